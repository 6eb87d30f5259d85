/*
 * base/duration.h - lengths of time as people write them: 90s, 30m, 12h, 7d.
 */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include <stdint.h>

#define DURATION_TEXT 24 /* the longest text of duration_format, with its NUL */

/* Parse a whole number and its unit: s, m, h, d, or none for seconds.  0 or -1. */
int duration_parse(const char *text, uint64_t *seconds);

/* The same, but a unit is required, except for 0: a user who types 8 may mean hours. */
int duration_parse_typed(const char *text, uint64_t *seconds);

/* In the largest unit that it is a whole number of. */
void duration_format(uint64_t seconds, char out[DURATION_TEXT]);

#endif
