/*
 * broker/price.c - what the tokens of an answer cost.
 */
#include "broker/price.h"

#define MILLION 1000000

static uint64_t sum_saturated(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

bool price_cost(const struct prices *p, const struct token_counts *tokens, uint64_t *micros)
{
	uint64_t sum = 0, millionths = 0, n, price, product;
	int i;

	for (i = 0; i < TOKEN_KINDS; i++) {
		n = tokens->n[i];
		price = p->per_million[i];
		if (!tokens->known[i] || (n > 0 && !p->known[i]))
			return false;
		if (n == 0)
			continue;
		if (__builtin_mul_overflow(n / MILLION, price, &product))
			product = UINT64_MAX;
		sum = sum_saturated(sum, product);
		/* Less than a million times a price, which is at most PRICE_MAX. */
		product = n % MILLION * (price < PRICE_MAX ? price : PRICE_MAX);
		sum = sum_saturated(sum, product / MILLION);
		millionths += product % MILLION;
	}
	*micros = sum_saturated(sum, (millionths + MILLION - 1) / MILLION);
	return true;
}
