/*
 * import/report_text.h - paths and secrets as they are shown.
 */
#ifndef IMPORT_REPORT_TEXT_H
#define IMPORT_REPORT_TEXT_H

#include <stddef.h>
#include "base/paths.h"

#define SECRET_SHOWN 32 /* bytes that report_secret fills at most */

/* "~/..." below home, control characters as '?'.  Returns out. */
const char *report_path(const char *home, const char *path, char out[PATH_SIZE]);

/* "****abcd": the last four of n characters, or none of a short secret. */
void report_secret(const char *p, size_t n, char out[SECRET_SHOWN]);

#endif
