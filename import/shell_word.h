/*
 * import/shell_word.h - what a word of shell text comes to, as far as that
 * can be told without running anything.
 */
#ifndef IMPORT_SHELL_WORD_H
#define IMPORT_SHELL_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include "wire/limits.h"

enum value_kind {
	VALUE_LITERAL, /* p, n */
	VALUE_NAME,    /* $name and nothing else */
	VALUE_COMMAND, /* $(...) and nothing else: text[at] up to text[end] */
	VALUE_FILE,    /* what a file holds: its path in ref */
	VALUE_SOURCE,  /* what another manager holds: ref */
	VALUE_DYNAMIC  /* nothing that we could know */
};

struct value {
	enum value_kind kind;
	char *p; /* n bytes, in the room that was given */
	size_t n;
	char name[VARIABLE_MAX_LEN + 1];
	size_t at, end;
};

/* What a variable is known to be: true with *p and *n. */
typedef bool word_known(void *context, const char *name, const char **p, size_t *n);

struct wording {
	const char *text;
	bool fish;
	word_known *known;
	void *context;
};

/* text[at] up to text[end] is one word.  out has `room` bytes for the value. */
void word_value(const struct wording *w, size_t at, size_t end, char *out, size_t room,
		struct value *v);

/* How many bytes at p are a variable's name. */
size_t word_name(const char *p, size_t n);

#endif
