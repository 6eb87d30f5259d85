/*
 * display/text.h - foreign text made fit for a terminal's line.
 *
 * Names of branches, repositories, models and sessions are other people's: what
 * comes out of display_clean cannot move the cursor, change colours, turn the
 * reading direction round or hide.
 */
#ifndef DISPLAY_TEXT_H
#define DISPLAY_TEXT_H

#include <stddef.h>

/*
 * Copy n bytes to out (size bytes with the NUL, cut between characters).
 * Control characters, what is no UTF-8, and marks of direction or without a
 * width become '?'; variation selectors are left out; so are more than two
 * combining marks on one character.  Blanks at the ends go.  Returns the length.
 */
size_t display_clean(const char *in, size_t n, char *out, size_t size);

/*
 * Columns that clean text takes: none for combining marks, two for wide characters.
 * A byte that is not UTF-8 counts as one.
 */
unsigned display_width(const char *clean);

/* Shorten clean text in place to so many columns (1 or more), "…" being its end
 * then.  The buffer has room for the NUL and two bytes more than the text. */
void display_cut(char *clean, unsigned columns);

#endif
