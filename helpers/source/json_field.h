/*
 * helpers/source/json_field.h - a token, and when it ends, out of a manager's JSON output.
 */
#ifndef HELPERS_SOURCE_JSON_FIELD_H
#define HELPERS_SOURCE_JSON_FIELD_H

#include <stddef.h>
#include <stdint.h>

struct failure;

struct json_t;

/*
 * Parse n bytes of JSON.  They hold the secret, so js_locked_begin must have been called;
 * what is returned is valid until js_locked_end (json/locked.h).  NULL with f set.
 */
const struct json_t *js_field_parse(const uint8_t *text, size_t n, struct failure *f);

/* The string at a dotted path (data.0.value; digits index an array): *p, *len.  0, or -1
 * with f set. */
int js_field_text(const struct json_t *root, const char *field, const uint8_t **p, size_t *len,
		  struct failure *f);

#define FIELD_NO_END UINT64_MAX

/*
 * The time at such a path, as seconds from now (seconds since the epoch): an RFC 3339 time,
 * or a number of seconds from now, of seconds or of milliseconds since the epoch, which
 * are told apart by their size.  FIELD_NO_END when there is no such field.  0, or -1 with
 * f set.
 */
int js_field_end(const struct json_t *root, const char *field, int64_t now, uint64_t *seconds,
		 struct failure *f);

#endif
