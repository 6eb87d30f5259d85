/*
 * base/date.c - points in time as text.
 */
#include "base/date.h"

#include <stdio.h>
#include <time.h>

const char *date_local(uint64_t when, char out[DATE_TEXT])
{
	time_t t = (time_t)when;
	struct tm tm;

	if (when == 0)
		return "never";
	if (!localtime_r(&t, &tm) || strftime(out, DATE_TEXT, "%Y-%m-%d %H:%M", &tm) == 0)
		snprintf(out, DATE_TEXT, "?");
	return out;
}

const char *date_utc(uint64_t when, char out[DATE_TEXT])
{
	time_t t = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, DATE_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, DATE_TEXT, "?");
	return out;
}
