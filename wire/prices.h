/*
 * wire/prices.h - the prices of models, as a provider's file has them and `open` brings
 * them to the broker.
 */
#ifndef WIRE_PRICES_H
#define WIRE_PRICES_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/tokens.h"

struct failure;

#define PRICE_MAX UINT64_C(10000000000) /* 10,000 dollars per million tokens */
#define PRICE_LINES_MAX 32
#define PRICE_MODEL 101 /* bytes of a model's name, with its NUL */

/* Of one model, in micro-dollars per million tokens. */
struct prices {
	uint64_t per_million[TOKEN_KINDS];
	bool known[TOKEN_KINDS];
};

/* One line of [prices]. */
struct price_line {
	char model[PRICE_MODEL]; /* a '*' at its end stands for any more */
	struct prices prices;
};

/*
 * Read a price: dollars per million tokens, as money_parse takes them (3, 0.30, 15.00).
 * -1 with FAIL_BAD_VALUE, and *per_million unchanged.
 */
int price_parse(const char *text, uint64_t *per_million, struct failure *f);

/*
 * Read a line of a provider's file: a model, and "INPUT OUTPUT" or "INPUT OUTPUT
 * CACHE-READ CACHE-WRITE" with blanks between them.  0, or -1 with FAIL_BAD_VALUE.
 */
int price_line_parse(struct price_line *l, const char *model, const char *text, struct failure *f);

/* The names of the kinds in messages: "input", "output", "cache_write", "cache_read". */
const char *token_kind_name(enum token_kind kind);

#endif
