/*
 * broker/price.h - what the tokens of an answer cost, from prices per million.
 */
#ifndef BROKER_PRICE_H
#define BROKER_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/prices.h"

/*
 * What these tokens cost, in micro-dollars, rounded up once for all kinds; UINT64_MAX
 * for more than that.  False, and *micros unchanged, if it is not known: a number of
 * tokens is unknown, or there are tokens of a kind that has no price.  An answer that
 * relay/usage_meter.h calls surcharged costs something else: do not ask for it.
 */
bool price_cost(const struct prices *p, const struct token_counts *tokens, uint64_t *micros);

#endif
