/*
 * import/shell_word.h - the value of a word of shell text, as far as it is known
 * without running anything.
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
	VALUE_FILE,    /* the contents of a file: p is its path */
	VALUE_SOURCE,  /* a secret of another manager: p is the reference */
	VALUE_DYNAMIC  /* not known */
};

struct value {
	enum value_kind kind;
	char *p; /* n bytes, in the caller's buffer */
	size_t n;
	char name[VARIABLE_MAX_LEN + 1];
	size_t at, end;
};

/* The value of a variable (*n bytes at *p); false: not known. */
typedef bool shell_variable_known(void *context, const char *name, const char **p, size_t *n);

struct shell_text {
	const char *text;
	bool fish; /* the language is fish's */
	shell_variable_known *known;
	void *context;
};

/*
 * The value of the word w->text[at..end).  Text comes to out (room bytes; too long is
 * VALUE_DYNAMIC).
 */
void shell_word_value(const struct shell_text *w, size_t at, size_t end, char *out, size_t room,
		      struct value *v);

/* How many of the n bytes at p are a variable's name. */
size_t variable_name_length(const char *p, size_t n);

#endif
