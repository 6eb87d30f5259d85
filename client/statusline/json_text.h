/*
 * client/statusline/json_text.h - add, change or remove one member of a JSON object in
 * its text, so that every other byte stays as it was written.
 *
 * The text must have been parsed as JSON (by jansson) before; this only finds places
 * in it.  Lengths are in bytes; texts need no NUL.
 */
#ifndef CLIENT_STATUSLINE_JSON_TEXT_H
#define CLIENT_STATUSLINE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct json_t;

/* Offsets into the text: [key, key_end) with its quotes, [value, value_end). */
struct jt_member {
	size_t key, key_end, value, value_end;
};

struct jt_object {
	size_t open, close; /* its braces */
	unsigned members;
	struct jt_member first, last;
	bool found; /* the member that was asked for */
	struct jt_member hit;
	size_t before; /* end of the member before it; 0: it is the first */
	size_t after;  /* the key after it; 0: it is the last */
};

/* text with [from, to) replaced by with (allocated, jt_edit_free). */
struct jt_edit {
	size_t from, to;
	char *with;
	size_t n;
};

/*
 * Find key in the object that begins at text[at] (blanks are skipped); key is in plain
 * text, however the object spells it.  0, or -1 when there is no object or no end of it.
 */
int jt_look(const char *text, size_t n, size_t at, const char *key, struct jt_object *o);

/*
 * The edit that sets member key: in its place if it is there, else after the last
 * member, with the file's own indentation and line ends.  raw: the value as JSON text
 * (raw_n bytes), used instead of value; or NULL.  0, or -1: no memory.
 */
int jt_put(const char *text, size_t n, const struct jt_object *o, const char *key,
	   const struct json_t *value, const char *raw, size_t raw_n, struct jt_edit *e);

/* The edit that removes the member that was found, and its comma.  0 or -1. */
int jt_drop(const struct jt_object *o, struct jt_edit *e);

/* The whole text after the edit, allocated, NUL-terminated one past *out_n; NULL: no memory. */
char *jt_apply(const char *text, size_t n, const struct jt_edit *e, size_t *out_n);

void jt_edit_free(struct jt_edit *e);

#endif
