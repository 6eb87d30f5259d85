/*
 * helpers/source/json_field.c - one text out of a manager's JSON, which holds the secret.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "helpers/source/source.h"

/* The element of an array that the first n characters number, or NULL. */
static const json_t *element(const json_t *a, const char *digits, size_t n)
{
	char *end;
	unsigned long i = strtoul(digits, &end, 10);

	return *digits >= '0' && *digits <= '9' && (size_t)(end - digits) == n ? json_array_get(a, i) : NULL;
}

static const json_t *child(const json_t *o, const char *name, size_t n)
{
	char key[SOURCE_PICK_MAX + 1];

	if (json_is_array(o))
		return element(o, name, n);
	memcpy(key, name, n);
	key[n] = '\0';
	return json_object_get(o, key);
}

/* A name may have dots in it: the longest that is there comes first. */
static const json_t *find(const json_t *o, const char *path)
{
	const json_t *at;
	size_t n;

	for (n = strlen(path); o && n > 0; n--) {
		if (path[n] && path[n] != '.')
			continue;
		at = child(o, path, n);
		if (at && !path[n])
			return at;
		at = at ? find(at, path + n + 1) : NULL;
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
		return fail_set(f, FAIL_SOURCE, "look at it in the manager: the field is picked out of JSON",
				"what it gave is not JSON");
	at = find(root, field);
	if (!at)
		return fail_set(f, FAIL_SOURCE, "the field is what stands behind # in the reference",
				"what it gave has no field '%s'", field);
	if (!json_is_string(at))
		return fail_set(f, FAIL_SOURCE, "a token is a text in quotes", "the field '%s' is no text", field);
	*p = (const uint8_t *)json_string_value(at);
	*len = json_string_length(at);
	return 0;
}
