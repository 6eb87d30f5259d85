/*
 * base/text_quote.h - what a file of somebody's says, in quotes, for a sentence of ours.
 *
 * Any program of a user's can write his files, and would speak to him in our programs' name.
 */
#ifndef BASE_TEXT_QUOTE_H
#define BASE_TEXT_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * text in "quotes" into out (size bytes with the NUL, four or more).  Nothing in it ends the quotes, fills a line with
 * blanks, moves a cursor, does not show or turns the direction of reading; nor has a shell a
 * meaning for any of it within such quotes, where somebody pastes the line.  False: it was cut, between
 * characters; the quotes are there even so.
 */
bool text_quote(const char *text, char *out, size_t size);

#endif
