/*
 * config/source/command.h - a command as one line of text, and the words that it is.
 *
 * Words are split at blanks.  'single quotes' keep everything between them,
 * "double quotes" too, but \" and \\ in them; outside of quotes a backslash keeps
 * the next character.  Nothing else is special: no variables, no patterns, no
 * shell.  command_format writes what command_split reads.
 */
#ifndef CONFIG_SOURCE_COMMAND_H
#define CONFIG_SOURCE_COMMAND_H

#include <stddef.h>

struct failure;

#define COMMAND_WORDS_MAX 64

struct command_words {
	unsigned n;
	char *v[COMMAND_WORDS_MAX + 1]; /* NULL behind the last; they point into text */
	char *text;			/* owned */
};

/* Split.  At least one word.  0 or -1 (FAIL_BAD_VALUE, FAIL_NO_MEMORY). */
int command_split(const char *line, struct command_words *out, struct failure *f);
void command_free(struct command_words *w); /* safe on a zeroed one */

/*
 * The line that splits into v[0..n-1].  0, or -1 when it has more than size - 1
 * bytes (FAIL_TOO_LARGE).
 */
int command_format(const char *const *v, unsigned n, char *out, size_t size, struct failure *f);

#endif
