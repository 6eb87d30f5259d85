/*
 * json/output.h - building and printing JSON, and reading objects of one line.
 *
 * All functions accept NULL for an object or array that could not be allocated;
 * js_print then fails.  (jansson.h is not included: only json/ depends on it.)
 */
#ifndef JSON_OUTPUT_H
#define JSON_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;
struct failure;

struct json_t *js_object(void);
struct json_t *js_array(void);

/* Set a member of an object.  text NULL: null. */
void js_text(struct json_t *o, const char *key, const char *text);
void js_number(struct json_t *o, const char *key, uint64_t n);
void js_bool(struct json_t *o, const char *key, bool b);
void js_null(struct json_t *o, const char *key);
/* Seconds since the epoch as "2026-01-31T12:00:00Z"; 0: null. */
void js_time(struct json_t *o, const char *key, uint64_t when);
/* The value's reference passes to the object. */
void js_put(struct json_t *o, const char *key, struct json_t *value);

/* Append to an array; the value's reference passes to it. */
void js_append(struct json_t *a, struct json_t *value);
void js_append_text(struct json_t *a, const char *text);

/* Print it and a newline to standard output, and free it.  Returns 0 or -1. */
int js_print(struct json_t *root, struct failure *f);
/* The same, of one line and without its newline; not freed. */
int js_print_bare(const struct json_t *o, struct failure *f);
void js_free(struct json_t *o);

/* Parse n bytes as one object.  NULL: they are not, or a key occurs twice. */
struct json_t *js_parse(const char *line, size_t n);
/* A member that is a string; else "". */
const char *js_get(const struct json_t *o, const char *key);
/* False: it is no whole number of 0 or more. */
bool js_get_number(const struct json_t *o, const char *key, uint64_t *out);

#endif
