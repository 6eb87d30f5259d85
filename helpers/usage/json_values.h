/*
 * helpers/usage/json_values.h - single values of a hostile JSON answer.
 */
#ifndef HELPERS_USAGE_JSON_VALUES_H
#define HELPERS_USAGE_JSON_VALUES_H

#include <stdbool.h>
#include <stdint.h>

struct json_t;

/* A member that is not there, or null.  (Of anything that is no object: absent.) */
bool value_absent(const struct json_t *object, const char *key);

/*
 * A number, or a text that is one in plain decimals (vendors write money as
 * text): at most 15 digits before the point, 12 behind.  Returns 0; -1 for
 * everything else, exponents in texts, "NaN" and "" among it.
 */
int value_number(const struct json_t *object, const char *key, double *out);

/* A whole number of 0 to max. */
int value_whole(const struct json_t *object, const char *key, uint64_t max, uint64_t *out);

/* A time in ms since the epoch, in seconds; 0 when absent.  0 or -1. */
int value_time_ms(const struct json_t *object, const char *key, uint64_t *out);

/* A time as "2026-01-31T12:00:00.5+01:00" or ...Z (RFC 3339); 0 when absent.  0 or -1. */
int value_time_text(const struct json_t *object, const char *key, uint64_t *out);

#endif
