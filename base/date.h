/*
 * base/date.h - points in time as text.
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdint.h>

#define DATE_TEXT 40 /* bytes of the text, with its NUL */

/*
 * Seconds since the epoch as local time for people ("2026-01-31 13:00", "never" for
 * 0; "2026-01-31 13:00:05" to the second), and as UTC for programs ("2026-01-31T12:00:00Z").  Use what they return, which
 * is not always out.  "?" for a time that cannot be converted.
 */
const char *date_local(uint64_t when, char out[DATE_TEXT]);
const char *date_local_second(uint64_t when, char out[DATE_TEXT]);
const char *date_utc(uint64_t when, char out[DATE_TEXT]);

/*
 * An RFC 3339 time, "2026-01-31T12:00:00.5+01:00" or ...Z, in seconds since the epoch.
 * 0, or -1: it is none.
 */
int date_parse(const char *text, int64_t *out);

#endif
