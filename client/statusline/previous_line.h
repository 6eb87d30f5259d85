/*
 * client/statusline/previous_line.h - the status line that a settings file had before ours,
 * kept byte for byte for `ccctl statusline remove`.
 */
#ifndef CLIENT_STATUSLINE_PREVIOUS_LINE_H
#define CLIENT_STATUSLINE_PREVIOUS_LINE_H

#include <stddef.h>

struct failure;

/*
 * Keep text (n bytes of UTF-8), the value of statusLine, for the settings file of that
 * path, in place of what was kept for it; NULL: forget it.  0 or -1.
 */
int previous_line_keep(const char *settings, const char *text, size_t n, struct failure *f);

/* *text: what was kept, of *n bytes (free it), or NULL for nothing.  0 or -1. */
int previous_line_get(const char *settings, char **text, size_t *n, struct failure *f);

#endif
