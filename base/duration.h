/*
 * base/duration.h - lengths of time as people write them: 90s, 30m, 12h, 7d.
 */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include <stdint.h>

#define DURATION_TEXT 24 /* the longest text of duration_format, with its NUL */

/* A whole number and its unit (s, m, h, d; none is seconds).  0 or -1. */
int duration_parse(const char *text, uint64_t *seconds);

/* The same as a person types it: without a unit only 0, since 8 may be meant as hours. */
int duration_parse_typed(const char *text, uint64_t *seconds);

/* In the largest unit that shows it whole. */
void duration_format(uint64_t seconds, char out[DURATION_TEXT]);

#endif
