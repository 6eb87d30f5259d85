/*
 * client/statusline/earlier.h - the status line that was there before ours, kept
 * byte for byte for `ccctl statusline remove`, one for each settings file.
 */
#ifndef CLIENT_STATUSLINE_EARLIER_H
#define CLIENT_STATUSLINE_EARLIER_H

#include <stddef.h>

struct failure;

/* Keep text (n bytes, UTF-8) for the settings file; NULL forgets it.  0 or -1. */
int saved_put(const char *settings, const char *text, size_t n, struct failure *f);

/* *text: allocated, NULL when nothing was kept.  0 or -1. */
int saved_get(const char *settings, char **text, size_t *n, struct failure *f);

#endif
