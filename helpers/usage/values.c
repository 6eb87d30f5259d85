/*
 * helpers/usage/values.c - single values of a hostile JSON answer.
 */
#include "helpers/usage/values.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NUMBER_MAX 1e15
#define DIGITS_BEFORE 15
#define DIGITS_BEHIND 12
/* A time outside these years is no time of a quota. */
#define TIME_FIRST 946684800u	/* 2000 */
#define TIME_LAST 7258118400u	/* 2200 */

bool value_absent(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return !v || json_is_null(v);
}

static size_t digits(const char *p)
{
	size_t n = 0;

	while (isdigit((unsigned char)p[n]))
		n++;
	return n;
}

/* Plain decimals, and nothing before or behind them. */
static int number_of_text(const json_t *v, double *out)
{
	const char *text = json_string_value(v), *p = text;
	size_t n;

	/* A NUL inside: the text is not what it looks like. */
	if (strlen(text) != json_string_length(v))
		return -1;
	p += *p == '-';
	n = digits(p);
	if (n < 1 || n > DIGITS_BEFORE)
		return -1;
	p += n;
	if (*p == '.') {
		n = digits(++p);
		if (n < 1 || n > DIGITS_BEHIND)
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
		if (number_of_text(v, out) != 0)
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

	if (value_number(object, key, &d) != 0 || d < 0 || d > (double)max || d != (double)(uint64_t)d)
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

/* n digits as a number of low to high; *p goes behind them and one `after` (0: none). */
static int part(const char **p, unsigned n, int low, int high, char after, int *out)
{
	int v = 0;

	while (n-- > 0) {
		if (!isdigit((unsigned char)**p))
			return -1;
		v = v * 10 + (*(*p)++ - '0');
	}
	if (v < low || v > high || (after && *(*p)++ != after))
		return -1;
	*out = v;
	return 0;
}

/* "Z", "+01:00": in seconds. */
static int offset_of(const char *p, long *out)
{
	int hours, minutes, sign = *p == '-' ? -1 : 1;

	*out = 0;
	if (strcmp(p, "Z") == 0)
		return 0;
	if (*p != '+' && *p != '-')
		return -1;
	p++;
	if (part(&p, 2, 0, 14, ':', &hours) != 0 || part(&p, 2, 0, 59, '\0', &minutes) != 0 || *p)
		return -1;
	*out = sign * (hours * 3600L + minutes * 60L);
	return 0;
}

int value_time_text(const json_t *object, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(object, key);
	const char *p = json_string_value(v);
	struct tm t = { 0 };
	long offset;
	int64_t at;
	size_t n;

	*out = 0;
	if (value_absent(object, key))
		return 0;
	if (!p || strlen(p) != json_string_length(v))
		return -1;
	if (part(&p, 4, 2000, 2200, '-', &t.tm_year) != 0 || part(&p, 2, 1, 12, '-', &t.tm_mon) != 0 ||
	    part(&p, 2, 1, 31, 'T', &t.tm_mday) != 0 || part(&p, 2, 0, 23, ':', &t.tm_hour) != 0 ||
	    part(&p, 2, 0, 59, ':', &t.tm_min) != 0 || part(&p, 2, 0, 60, '\0', &t.tm_sec) != 0)
		return -1;
	if (*p == '.') {
		n = digits(++p);
		if (n < 1 || n > DIGITS_BEHIND)
			return -1;
		p += n;
	}
	if (offset_of(p, &offset) != 0)
		return -1;
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	at = (int64_t)timegm(&t) - offset;
	if (at < (int64_t)TIME_FIRST || at > (int64_t)TIME_LAST)
		return -1;
	*out = (uint64_t)at;
	return 0;
}
