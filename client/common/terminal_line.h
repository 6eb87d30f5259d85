/*
 * client/common/terminal_line.h - one line, with echo, from a terminal that is open.
 */
#ifndef CLIENT_COMMON_TERMINAL_LINE_H
#define CLIENT_COMMON_TERMINAL_LINE_H

#include <stddef.h>

struct failure;

/* Ask on the terminal fd.  out: NUL-terminated, cut to size bytes.  0 or -1. */
int terminal_line_on(int fd, const char *prompt, char *out, size_t size, struct failure *f);

/* Write text, within ten seconds: a terminal whose output is held back (Ctrl-S) keeps nobody. */
void terminal_write(int fd, const char *text);

#endif
