/*
 * wire/prices.h - the prices of models, as a provider's file has them and `open` brings
 * them to the broker.
 */
#ifndef WIRE_PRICES_H
#define WIRE_PRICES_H

#include <stdbool.h>
#include <stddef.h>
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

/* "*" and "claude-*" too: printable ASCII without blanks, shorter than PRICE_MODEL, and a '*' at its
 * end alone. */
bool price_model_ok(const char *name);

/*
 * Read a line of a provider's file: a model, and "INPUT OUTPUT" or "INPUT OUTPUT
 * CACHE-READ CACHE-WRITE" with blanks between them.  0, or -1 with FAIL_BAD_VALUE.
 */
int price_line_parse(struct price_line *l, const char *model, const char *text, struct failure *f);

/* The prices of a line as price_line_parse reads them. */
#define PRICE_LINE_TEXT 128 /* bytes of the longest, with its NUL */
void price_line_format(const struct price_line *l, char out[PRICE_LINE_TEXT]);

/*
 * What is sealed of n lines (PRICE_LINES_MAX at most), by its digest: lines "MODEL KIND=MICROS ..."
 * with the kinds that have a price, sorted by bytes, each with its newline.  A file's order, and
 * how a number is written, say nothing.  Returns its length; no lines, no text.
 */
#define PRICES_SEALED_MAX (PRICE_LINES_MAX * 256) /* bytes; a line has at most 185 */
size_t prices_sealed_text(const struct price_line *line, unsigned n,
			  char out[PRICES_SEALED_MAX + 1]);

/* The names of the kinds in messages: "input", "output", "cache_write", "cache_read". */
const char *token_kind_name(enum token_kind kind);

#endif
