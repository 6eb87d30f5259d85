/*
 * json/output.c - building, printing and parsing JSON with jansson.
 */
#include "json/output.h"

#include <jansson.h>
#include <stdio.h>

#include "base/date.h"
#include "base/fail.h"

json_t *js_object(void)
{
	return json_object();
}

json_t *js_array(void)
{
	return json_array();
}

/* Text that is not UTF-8 (from a damaged file, or a path) becomes ASCII with '?'. */
static json_t *json_from_text(const char *text)
{
	json_t *v = json_string(text);
	char ascii[1024];
	size_t i;

	if (v)
		return v;
	for (i = 0; text[i] && i + 1 < sizeof(ascii); i++)
		ascii[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
	ascii[i] = '\0';
	return json_string(ascii);
}

void js_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, text ? json_from_text(text) : json_null());
}

void js_number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

void js_bool(json_t *o, const char *key, bool b)
{
	json_object_set_new(o, key, json_boolean(b));
}

void js_null(json_t *o, const char *key)
{
	json_object_set_new(o, key, json_null());
}

void js_time(json_t *o, const char *key, uint64_t when)
{
	char text[DATE_TEXT];

	js_text(o, key, when ? date_utc(when, text) : NULL);
}

void js_put(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

void js_append(json_t *a, json_t *value)
{
	json_array_append_new(a, value);
}

void js_append_text(json_t *a, const char *text)
{
	json_array_append_new(a, json_from_text(text));
}

int js_print(json_t *root, struct failure *f)
{
	int r;

	if (!root)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for the output");
	r = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	json_decref(root);
	if (r != 0 || putchar('\n') == EOF)
		return fail_set(f, FAIL_SYSTEM, NULL, "cannot write the output");
	return 0;
}

int js_print_bare(const json_t *o, struct failure *f)
{
	if (json_dumpf(o, stdout, JSON_PRESERVE_ORDER) != 0)
		return fail_set(f, FAIL_SYSTEM, NULL, "cannot write the output");
	return 0;
}

void js_free(json_t *o)
{
	json_decref(o);
}

json_t *js_parse(const char *line, size_t n)
{
	json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);

	if (o && !json_is_object(o)) {
		json_decref(o);
		o = NULL;
	}
	return o;
}

const char *js_get(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

bool js_get_number(const json_t *o, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}
