/*
 * import/json_scan.h - the offsets of the members of one object in a JSON text,
 * which must be valid: parse it with jansson first.
 */
#ifndef IMPORT_JSON_SCAN_H
#define IMPORT_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct json_member {
	const char *key; /* as it is written, without its quotes */
	size_t key_n;
	size_t at, end;		 /* from the key's quote to behind the value */
	size_t value, value_end; /* of the value alone */
	unsigned line;
};

struct json_scan {
	const char *text;
	size_t at, n;
	unsigned line;
	size_t counted; /* the offset that `line` is for */
};

/* Begin at the object that the top object has under key.  False: it has none. */
bool json_scan_open(struct json_scan *s, const char *text, size_t n, const char *key);

/* Begin in the object or array at text[at].  False: there is none. */
bool json_scan_begin(struct json_scan *s, const char *text, size_t n, size_t at);

/* The next element of an array: m has no key.  False: there is no more. */
bool json_scan_element(struct json_scan *s, struct json_member *m);

/* Comments, and commas before a closing bracket, become blanks, as editors' settings may
 * have them; offsets and lines stay. */
void json_blank_comments(char *p, size_t n);

/* The next member of it.  False: there is no more. */
bool json_scan_next(struct json_scan *s, struct json_member *m);

#endif
