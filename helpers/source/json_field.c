/*
 * helpers/source/json_field.c - a token, and when it ends, out of a manager's JSON output.
 */
#include "helpers/source/json_field.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/date.h"
#include "base/fail.h"
#include "base/number.h"
#include "config/source/source.h"

/* Below EPOCH_FIRST (the year 2001) a number is a length of time: 30 years. */
#define EPOCH_FIRST 1e9
#define MS_FIRST 1e11 /* as seconds: the year 5138 */
#define MS_LAST 1e14

/* The element of array a whose index is the n digits, or NULL. */
static const json_t *array_element(const json_t *a, const char *digits, size_t n)
{
	char *end;
	unsigned long i = strtoul(digits, &end, 10);

	return *digits >= '0' && *digits <= '9' && (size_t)(end - digits) == n
		       ? json_array_get(a, i)
		       : NULL;
}

/* The member or element of o that the first n characters name, or NULL. */
static const json_t *value_child(const json_t *o, const char *name, size_t n)
{
	char key[SOURCE_PICK_MAX + 1];

	if (json_is_array(o))
		return array_element(o, name, n);
	memcpy(key, name, n);
	key[n] = '\0';
	return json_object_get(o, key);
}

/* A member's name may have dots in it, so try the longest prefix of the path first. */
static const json_t *value_at_path(const json_t *o, const char *path)
{
	const json_t *at;
	size_t n;

	for (n = strlen(path); o && n > 0; n--) {
		if (path[n] && path[n] != '.')
			continue;
		at = value_child(o, path, n);
		if (at && !path[n])
			return at;
		at = at ? value_at_path(at, path + n + 1) : NULL;
		if (at)
			return at;
	}
	return NULL;
}

const json_t *js_field_parse(const uint8_t *text, size_t n, struct failure *f)
{
	const json_t *root = json_loadb((const char *)text, n, JSON_REJECT_DUPLICATES, NULL);

	if (!root)
		fail_set(f, FAIL_SOURCE,
			 "look at it in the manager: the field is picked out of JSON",
			 "what it gave is not JSON");
	return root;
}

int js_field_text(const json_t *root, const char *field, const uint8_t **p, size_t *len,
		  struct failure *f)
{
	const json_t *at = value_at_path(root, field);

	if (!at)
		return fail_set(f, FAIL_SOURCE,
				"the field is what stands behind # in the reference",
				"what it gave has no field '%s'", field);
	if (!json_is_string(at))
		return fail_set(f, FAIL_SOURCE, "a token is a text in quotes",
				"the field '%s' is no text", field);
	*p = (const uint8_t *)json_string_value(at);
	*len = json_string_length(at);
	return 0;
}

/* *out: seconds since the epoch.  0 or -1. */
static int number_as_time(double n, int64_t now, int64_t *out)
{
	if (!(n >= 0 && n < MS_LAST))
		return -1;
	if (n >= MS_FIRST)
		*out = (int64_t)(n / 1000);
	else
		*out = n >= EPOCH_FIRST ? (int64_t)n : now + (int64_t)n;
	return 0;
}

static int value_as_time(const json_t *at, int64_t now, int64_t *out)
{
	const char *text = json_string_value(at);
	unsigned long n;

	if (json_is_number(at))
		return number_as_time(json_number_value(at), now, out);
	if (!text)
		return -1;
	if (number_parse(text, 0, ULONG_MAX, &n))
		return number_as_time((double)n, now, out);
	return date_parse(text, out);
}

int js_field_end(const json_t *root, const char *field, int64_t now, uint64_t *seconds,
		 struct failure *f)
{
	const json_t *at = value_at_path(root, field);
	int64_t end;

	*seconds = FIELD_NO_END;
	if (!at || json_is_null(at))
		return 0;
	if (value_as_time(at, now, &end) != 0)
		return fail_set(f, FAIL_SOURCE, "the source file's 'expires' names the field",
				"the field '%s' is no time", field);
	*seconds = end > now ? (uint64_t)(end - now) : 0;
	return 0;
}
