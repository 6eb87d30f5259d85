/*
 * base/duration.c - lengths of time as people write them.
 */
#include "base/duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	char unit;
	uint64_t seconds;
} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

int duration_parse(const char *text, uint64_t *seconds)
{
	uint64_t n = 0;
	unsigned i, digits = 0;

	/* Nine digits of days are still far below 2^64 seconds. */
	for (; *text >= '0' && *text <= '9' && digits < 10; text++, digits++)
		n = n * 10 + (uint64_t)(*text - '0');
	if (digits == 0 || digits > 9)
		return -1;
	*seconds = n;
	if (*text == '\0')
		return 0;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].unit == text[0] && text[1] == '\0') {
			*seconds = n * units[i].seconds;
			return 0;
		}
	return -1;
}

int duration_parse_typed(const char *text, uint64_t *seconds)
{
	if (duration_parse(text, seconds) != 0)
		return -1;
	return *seconds != 0 && text[strspn(text, "0123456789")] == '\0' ? -1 : 0;
}

void duration_format(uint64_t seconds, char out[DURATION_TEXT])
{
	unsigned i;

	for (i = 0; i < 3; i++)
		if (seconds > 0 && seconds % units[i].seconds == 0)
			break;
	snprintf(out, DURATION_TEXT, "%" PRIu64 "%c", seconds / units[i].seconds, units[i].unit);
}
