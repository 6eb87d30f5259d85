/*
 * base/date.h - points in time as text.
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdint.h>

#define DATE_TEXT 40 /* bytes that both need */

/*
 * Seconds since the epoch as local time for people ("never" for 0) and as UTC
 * for programs ("2026-01-31T12:00:00Z").  Both return their text, which need not
 * be out; "?" when the time has no date.
 */
const char *date_local(uint64_t when, char out[DATE_TEXT]);
const char *date_utc(uint64_t when, char out[DATE_TEXT]);

#endif
