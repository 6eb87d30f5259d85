/*
 * client/common/output.h - messages on standard error, data on standard output.
 * Control characters in texts become '?', so that no file and no reply can drive
 * the terminal, and so do those that do not show or turn the direction of reading: who agrees to a line
 * has read it as it is.
 */
#ifndef CLIENT_COMMON_OUTPUT_H
#define CLIENT_COMMON_OUTPUT_H

#include <stddef.h>

/* "ccctl: ..." and a newline on standard error, which leaves standard output to data. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Text on standard output. */
void put_plain(const char *text);

/* Text that others chose, as the name of a directory: nothing in it is invisible or changes
 * the direction of reading either. */
void put_foreign(const char *text);

/* The same in out, of size bytes: for a message. */
void clean_foreign(const char *text, char *out, size_t size);

/* As put_plain, padded with blanks to width columns, and two blanks more. */
void put_cell(const char *text, int width);

/* The columns of the terminal that standard output is; 0: it is none, and lines stay whole. */
int terminal_width(void);

/* Its rows, as above. */
int terminal_rows(void);

/* The larger of text's width in columns and least. */
int cell_width(const char *text, int least);

#endif
