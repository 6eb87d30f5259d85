/*
 * helpers/usage/json_values.c - read single values of an untrusted JSON answer.
 */
#include "helpers/usage/json_values.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"

#define NUMBER_MAX 1e15
#define DIGITS_BEFORE 15
#define DIGITS_AFTER 12
/* The end of a quota's period is between these years. */
#define TIME_FIRST 946684800u /* 2000 */
#define TIME_LAST 7258118400u /* 2200 */

bool value_absent(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return !v || json_is_null(v);
}

static size_t count_digits(const char *p)
{
	size_t n = 0;

	while (isdigit((unsigned char)p[n]))
		n++;
	return n;
}

/* The whole string must be a plain decimal number. */
static int parse_decimal(const json_t *v, double *out)
{
	const char *text = json_string_value(v), *p = text;
	size_t n;

	/* A NUL inside the string. */
	if (strlen(text) != json_string_length(v))
		return -1;
	p += *p == '-';
	n = count_digits(p);
	if (n < 1 || n > DIGITS_BEFORE)
		return -1;
	p += n;
	if (*p == '.') {
		n = count_digits(++p);
		if (n < 1 || n > DIGITS_AFTER)
			return -1;
		p += n;
	}
	if (*p)
		return -1;
	*out = strtod(text, NULL);
	return 0;
}

int value_number(const json_t *object, const char *key, double *out)
{
	const json_t *v = json_object_get(object, key);

	*out = 0;
	if (json_is_string(v)) {
		if (parse_decimal(v, out) != 0)
			return -1;
	} else if (json_is_number(v)) {
		*out = json_number_value(v);
	} else {
		return -1;
	}
	return isfinite(*out) && fabs(*out) <= NUMBER_MAX ? 0 : -1;
}

int value_whole(const json_t *object, const char *key, uint64_t max, uint64_t *out)
{
	double d;

	if (value_number(object, key, &d) != 0 || d < 0 || d > (double)max ||
	    d != (double)(uint64_t)d)
		return -1;
	*out = (uint64_t)d;
	return 0;
}

int value_time_ms(const json_t *object, const char *key, uint64_t *out)
{
	*out = 0;
	if (value_absent(object, key))
		return 0;
	if (value_whole(object, key, (uint64_t)NUMBER_MAX, out) != 0)
		return -1;
	*out /= 1000;
	return *out >= TIME_FIRST && *out <= TIME_LAST ? 0 : -1;
}

int value_time_text(const json_t *object, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(object, key);
	const char *p = json_string_value(v);
	int64_t at;

	*out = 0;
	if (value_absent(object, key))
		return 0;
	if (!p || strlen(p) != json_string_length(v) || date_parse(p, &at) != 0)
		return -1;
	if (at < (int64_t)TIME_FIRST || at > (int64_t)TIME_LAST)
		return -1;
	*out = (uint64_t)at;
	return 0;
}
