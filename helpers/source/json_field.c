/*
 * helpers/source/json_field.c - one string out of a manager's JSON output.
 */
#include "helpers/source/json_field.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "config/source/source.h"

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

int js_field_text(const uint8_t *text, size_t n, const char *field, const uint8_t **p, size_t *len,
		  struct failure *f)
{
	json_t *root = json_loadb((const char *)text, n, JSON_REJECT_DUPLICATES, NULL);
	const json_t *at;

	if (!root)
		return fail_set(f, FAIL_SOURCE,
				"look at it in the manager: the field is picked out of JSON",
				"what it gave is not JSON");
	at = value_at_path(root, field);
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
