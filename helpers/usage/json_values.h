/*
 * helpers/usage/json_values.h - read single values of an untrusted JSON answer.
 */
#ifndef HELPERS_USAGE_JSON_VALUES_H
#define HELPERS_USAGE_JSON_VALUES_H

#include <stdbool.h>
#include <stdint.h>

struct json_t;

/* True if the member is missing or null, or if object is not an object. */
bool value_absent(const struct json_t *object, const char *key);

/*
 * A number, or a string with a plain decimal number (vendors write money as strings):
 * at most 15 digits before the point and 12 after it, no exponent.  0, or -1.
 */
int value_number(const struct json_t *object, const char *key, double *out);

/* An integer from 0 to max.  0 or -1. */
int value_whole(const struct json_t *object, const char *key, uint64_t max, uint64_t *out);

/* A time in ms since the epoch; *out is in seconds, 0 if absent.  0 or -1. */
int value_time_ms(const struct json_t *object, const char *key, uint64_t *out);

/*
 * An RFC 3339 time, "2026-01-31T12:00:00.5+01:00" or ...Z; *out is in seconds since the
 * epoch, 0 if absent.  0 or -1.
 */
int value_time_text(const struct json_t *object, const char *key, uint64_t *out);

#endif
