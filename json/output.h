/*
 * json/output.h - JSON out, and the record's lines in.
 * Builders accept NULL (out of memory); js_print reports it.
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

/* Into an object; text NULL is null. */
void js_text(struct json_t *o, const char *key, const char *text);
void js_number(struct json_t *o, const char *key, uint64_t n);
void js_bool(struct json_t *o, const char *key, bool b);
void js_null(struct json_t *o, const char *key);
/* A time as "2026-01-31T12:00:00Z", 0 as null. */
void js_time(struct json_t *o, const char *key, uint64_t when);
/* The value is taken over. */
void js_put(struct json_t *o, const char *key, struct json_t *value);

/* Into an array; the value is taken over. */
void js_append(struct json_t *a, struct json_t *value);
void js_append_text(struct json_t *a, const char *text);

/* Print with a newline and free.  0 or -1. */
int js_print(struct json_t *root, struct failure *f);
void js_free(struct json_t *o);

/* One object from a line of n bytes, or NULL. */
struct json_t *js_parse(const char *line, size_t n);
/* A text of it; "" when it has none. */
const char *js_get(const struct json_t *o, const char *key);

#endif
