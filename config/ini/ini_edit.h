/*
 * config/ini/ini_edit.h - changing one value in a user's INI file: all other bytes
 * stay as they were.
 */
#ifndef CONFIG_INI_INI_EDIT_H
#define CONFIG_INI_INI_EDIT_H

#include <stddef.h>

struct failure;

#define INI_EDIT_VALUE 1024 /* bytes of a value */

/*
 * Copy text (len bytes) with key = value in the section, or (value NULL) without
 * that line.  A section that is not there is added at the end.  *out (*n bytes and a
 * NUL; the caller frees it) has been parsed again, to check that it has the value.
 * path is for messages.  0, or -1 (FAIL_CONFIG: text does not parse,
 * FAIL_TOO_LARGE, FAIL_INTERNAL).
 */
int ini_edit(const char *path, const char *text, size_t len, const char *section, const char *key,
	     const char *value, char **out, size_t *n, struct failure *f);

#endif
