/*
 * config/ini/ini_value.h - how a value stands in its line: alone or in quotes, with a
 * comment behind it.
 */
#ifndef CONFIG_INI_INI_VALUE_H
#define CONFIG_INI_INI_VALUE_H

#include <stddef.h>

/* Offsets into a line. */
struct ini_span {
	size_t start, end; /* the value */
	size_t from, to;   /* the value with its quotes */
};

/*
 * Find the value in the n bytes that follow a key's '='.  A comment is ';' or '#' behind a
 * blank; quotes around all of the value are none of its own, and what is in them is no
 * comment.  Returns NULL, or what is wrong with it (static; *hint as well): a quote without its fellow,
 * typographic quotes, characters that do not show.
 */
const char *ini_value_find(const char *text, size_t n, struct ini_span *v, const char **hint);

/*
 * The value as its line must have it, in quotes where that is needed.  out has two bytes
 * more than value with its NUL.  0; -1: no line can have it.
 */
int ini_value_format(const char *value, char *out, size_t size);

#endif
