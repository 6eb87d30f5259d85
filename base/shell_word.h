/*
 * base/shell_word.h - a text as one word for a shell.
 *
 * A command in a hint is pasted, by a person, now and then by root; what is in a path or a name may
 * be another's choice, and must not become a second command.
 */
#ifndef BASE_SHELL_WORD_H
#define BASE_SHELL_WORD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * text as one word of sh, bash, zsh and fish into out (size bytes with the NUL): as it is where
 * these take it so, else in single quotes.  False, and out is empty: it does not fit whole, is no UTF-8,
 * or has characters that do not show or that mislead (utf8_misleads), so that nobody would see what is run.
 */
bool shell_word(const char *text, char *out, size_t size);

#endif
