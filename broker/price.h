/*
 * broker/price.h - what the tokens of an answer cost, from prices per million.
 */
#ifndef BROKER_PRICE_H
#define BROKER_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/tokens.h"

struct failure;

#define PRICE_MAX UINT64_C(10000000000) /* 10,000 dollars per million tokens */

/* Of one model, in micro-dollars per million tokens. */
struct prices {
	uint64_t per_million[TOKEN_KINDS];
	bool known[TOKEN_KINDS];
};

/*
 * Read a price as it stands in a provider's file: dollars per million tokens, as
 * money_parse takes them (3, 0.30, 15.00).  -1 with FAIL_BAD_VALUE, and *per_million
 * unchanged.
 */
int price_parse(const char *text, uint64_t *per_million, struct failure *f);

/*
 * What these tokens cost, in micro-dollars, rounded up once for all kinds; UINT64_MAX
 * for more than that.  False, and *micros unchanged, if it is not known: a number of
 * tokens is unknown, or there are tokens of a kind that has no price.  An answer that
 * relay/usage_meter.h calls surcharged costs something else: do not ask for it.
 */
bool price_cost(const struct prices *p, const struct token_counts *tokens, uint64_t *micros);

#endif
