/*
 * config/ini/ini_edit.h - changing one value in a person's INI file: all but that
 * one value stays as it was, byte for byte.
 */
#ifndef CONFIG_INI_INI_EDIT_H
#define CONFIG_INI_INI_EDIT_H

#include <stddef.h>

struct failure;

#define INI_EDIT_VALUE 1024 /* bytes of a value */

/*
 * text (len bytes) with key = value in the section, or (value NULL) without
 * that line.  A section that is not there is added at the end.  *out is
 * allocated, NUL-terminated; it is proven to parse and to say what was meant.
 * path is for messages.  0, or -1 (FAIL_CONFIG: text does not parse,
 * FAIL_TOO_LARGE, FAIL_INTERNAL).
 */
int ini_edit(const char *path, const char *text, size_t len, const char *section, const char *key,
	     const char *value, char **out, size_t *n, struct failure *f);

#endif
