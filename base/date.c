/*
 * base/date.c - points in time as text.
 */
#include "base/date.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FRACTION_MAX 12 /* digits of a second */

static const char *date_format(uint64_t when, bool second, char out[DATE_TEXT])
{
	time_t t = (time_t)when;
	struct tm tm;

	if (when == 0)
		return "never";
	if (!localtime_r(&t, &tm) ||
	    strftime(out, DATE_TEXT, second ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M", &tm) == 0)
		snprintf(out, DATE_TEXT, "?");
	return out;
}

const char *date_local(uint64_t when, char out[DATE_TEXT])
{
	return date_format(when, false, out);
}

const char *date_local_second(uint64_t when, char out[DATE_TEXT])
{
	return date_format(when, true, out);
}

const char *date_utc(uint64_t when, char out[DATE_TEXT])
{
	time_t t = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, DATE_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, DATE_TEXT, "?");
	return out;
}

/*
 * strptime, but only for a text of the given shape (d: a digit; else that character):
 * strptime alone skips blanks, accepts fewer digits, and stops before an extra one.
 * Returns the end of the parsed part, or NULL.
 */
static const char *part_parse(const char *text, const char *shape, const char *format, struct tm *t)
{
	const char *p = text;

	for (; *shape; p++, shape++)
		if (*shape == 'd' ? !isdigit((unsigned char)*p) : *p != *shape)
			return NULL;
	return strptime(text, format, t) == p ? p : NULL;
}

/* "Z" or "+01:00": the offset from UTC in seconds. */
static int offset_parse(const char *p, long *out)
{
	struct tm t = { 0 };
	const char *end;

	*out = 0;
	if (strcmp(p, "Z") == 0)
		return 0;
	if (*p != '+' && *p != '-')
		return -1;
	end = part_parse(p + 1, "dd:dd", "%H:%M", &t);
	if (!end || *end || t.tm_hour > 14)
		return -1;
	*out = (*p == '-' ? -1 : 1) * (t.tm_hour * 3600L + t.tm_min * 60L);
	return 0;
}

int date_parse(const char *text, int64_t *out)
{
	const char *p;
	struct tm t = { 0 };
	long offset;
	size_t n;

	p = part_parse(text, "dddd-dd-ddTdd:dd:dd", "%Y-%m-%dT%H:%M:%S", &t);
	if (!p || t.tm_sec > 60)
		return -1;
	if (*p == '.') {
		n = strspn(++p, "0123456789");
		if (n < 1 || n > FRACTION_MAX)
			return -1;
		p += n;
	}
	if (offset_parse(p, &offset) != 0)
		return -1;
	*out = (int64_t)timegm(&t) - offset;
	return 0;
}
