/*
 * relay/meter_numbers.c - a number of JSON as tokens, or as dollars.
 */
#include "relay/meter_numbers.h"

#include "relay/usage_meter.h"

/* A whole number in JSON's notation, which the lexer has checked. */
bool meter_tokens_parse(const char *text, uint64_t *out)
{
	bool negative = *text == '-';
	uint64_t n = 0;

	for (text += negative; *text >= '0' && *text <= '9'; text++) {
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > METER_TOKENS_MAX)
			return false;
	}
	if (*text || (negative && n))
		return false;
	*out = n;
	return true;
}

/* The exponent behind an e; one that is far out of reach stays there. */
static int exponent_parse(const char *text)
{
	bool negative = *text == '-';
	int n = 0;

	for (text += negative || *text == '+'; *text; text++)
		n = n < 1000 ? n * 10 + (*text - '0') : n;
	return negative ? -n : n;
}

/* n times ten to the power of `power`, rounded up; false if over METER_COST_MAX. */
static bool cost_scale(uint64_t n, int power, bool more, uint64_t *out)
{
	for (; power > 0 && n > 0; power--) {
		if (n > METER_COST_MAX / 10)
			return false;
		n *= 10;
	}
	for (; power < 0 && n > 0; power++) {
		more |= n % 10 != 0;
		n /= 10;
	}
	n += more;
	*out = n;
	return n <= METER_COST_MAX;
}

/* Dollars in JSON's notation, as micro-dollars. */
bool meter_cost_parse(const char *text, uint64_t *out)
{
	bool negative = *text == '-', after_point = false, more = false;
	int power = 6; /* micro-dollars */
	uint64_t n = 0;

	for (text += negative; *text && *text != 'e' && *text != 'E'; text++) {
		if (*text == '.') {
			after_point = true;
			continue;
		}
		/* Eighteen digits are more than the providers' floating point has. */
		if (n < UINT64_C(100000000000000000)) {
			n = n * 10 + (uint64_t)(*text - '0');
			power -= after_point;
		} else {
			more |= *text != '0';
			power += !after_point;
		}
	}
	if (negative && n > 0)
		return false;
	if (*text)
		power += exponent_parse(text + 1);
	return cost_scale(n, power, more, out);
}
