/*
 * helpers/source/json_field.h - one string out of a manager's JSON output.
 */
#ifndef HELPERS_SOURCE_JSON_FIELD_H
#define HELPERS_SOURCE_JSON_FIELD_H

#include <stddef.h>
#include <stdint.h>

struct failure;

/*
 * The string at a dotted path (data.0.value; digits index an array) in n bytes of
 * JSON: *p, *len.  The text holds the secret, so js_locked_begin must have been
 * called; *p is valid until js_locked_end (json/locked.h).  0, or -1 with f set.
 */
int js_field_text(const uint8_t *text, size_t n, const char *field, const uint8_t **p, size_t *len,
		  struct failure *f);

#endif
