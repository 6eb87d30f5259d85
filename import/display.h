/*
 * import/display.h - paths and secrets as they are shown.
 */
#ifndef IMPORT_DISPLAY_H
#define IMPORT_DISPLAY_H

#include <stddef.h>
#include "base/paths.h"

#define SECRET_SHOWN 32 /* bytes that display_secret fills at most */

/* "~/..." below home, control characters as '?'.  Returns out. */
const char *display_path(const char *home, const char *path, char out[PATH_SIZE]);

/* "****abcd": the last four of n characters, or none of a short secret. */
void display_secret(const char *p, size_t n, char out[SECRET_SHOWN]);

#endif
