/*
 * import/shell_modes.h - which branch of a wrapper script a word like --local takes.
 */
#ifndef IMPORT_SHELL_MODES_H
#define IMPORT_SHELL_MODES_H

#include "import/shell_parser.h"

/* --local as a mode's name; "" when the word is no such. */
void shell_mode_of_word(const struct shell *s, const struct span *w, char mode[NAME_MAX_LEN + 1]);

/* The mode that the words of a condition ask for ("" none), or ask not to be. */
void shell_modes_of_condition(const struct shell *s, char mode[NAME_MAX_LEN + 1], bool *negative);

/*
 * Assignments from number `first` on that are in a mode's branch are remembered
 * (LOCAL=true): a later condition may ask for them.
 */
void shell_modes_remember(struct shell *s, unsigned first);

#endif
