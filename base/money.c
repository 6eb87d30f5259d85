/*
 * base/money.c - amounts of dollars as people write them.
 */
#include "base/money.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Read digits from *text, at least one, up to end. */
static bool digits_parse(const char **text, const char *end, uint64_t *out)
{
	const char *from = *text;
	uint64_t n = 0;

	for (; *text < end && **text >= '0' && **text <= '9'; (*text)++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(**text - '0'), &n))
			return false;
	*out = n;
	return *text > from;
}

bool money_parse(const char *text, size_t n, uint64_t most, uint64_t *out)
{
	const char *end = text + n, *point;
	uint64_t whole, part = 0, unit = MONEY_DOLLAR;

	if (n > 1 && text[0] == '0' && text[1] != '.')
		return false;
	if (!digits_parse(&text, end, &whole))
		return false;
	if (text < end) {
		point = text++;
		if (*point != '.' || end - text > 6 || !digits_parse(&text, end, &part))
			return false;
		for (; point + 1 < text; point++)
			unit /= 10;
	}
	if (text < end || __builtin_mul_overflow(whole, MONEY_DOLLAR, &whole) ||
	    __builtin_add_overflow(whole, part * unit, &whole) || whole > most)
		return false;
	*out = whole;
	return true;
}

void money_format(uint64_t micros, char out[MONEY_TEXT])
{
	int n = snprintf(out, MONEY_TEXT, "%" PRIu64 ".%06" PRIu64, micros / MONEY_DOLLAR,
			 micros % MONEY_DOLLAR);
	int spare;

	if (micros % MONEY_DOLLAR == 0) {
		out[n - 7] = '\0';
		return;
	}
	for (spare = 0; spare < 4 && out[n - 1] == '0'; spare++)
		out[--n] = '\0';
}
