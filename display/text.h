/*
 * display/text.h - text from outside, cleaned for a line on a terminal.
 *
 * Names of branches, repositories, models and sessions may be an attacker's.  What
 * display_clean returns cannot move the cursor, change colours, reverse the reading
 * direction, or be invisible.
 */
#ifndef DISPLAY_TEXT_H
#define DISPLAY_TEXT_H

#include <stddef.h>

/*
 * Copy n bytes to out (size bytes with the NUL), cut between characters.  Control
 * characters, invalid UTF-8, and characters that are invisible or change the
 * direction become '?'.  Dropped: variation selectors, combining marks beyond two on
 * one character, blanks at both ends.  Returns the length.
 */
size_t display_clean(const char *in, size_t n, char *out, size_t size);

/*
 * The columns that clean text takes on a terminal: combining marks none, wide
 * characters two, a byte that is not UTF-8 one.
 */
unsigned display_width(const char *clean);

/*
 * Shorten clean text in place to that many columns (1 or more); it ends with "…"
 * then.  The buffer must have two bytes more than the text and its NUL.
 */
void display_cut(char *clean, unsigned columns);

#endif
