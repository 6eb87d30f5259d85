/*
 * config/provider/schema.h - which sections and keys a provider's file may have.
 */
#ifndef CONFIG_PROVIDER_SCHEMA_H
#define CONFIG_PROVIDER_SCHEMA_H

#include <stdbool.h>
#include "wire/limits.h"

struct failure;
struct ini_file;

/* Check every section and key of a file.  0, or -1 with "FILE:LINE: ...". */
int schema_check(const struct ini_file *file, struct failure *f);

/* Is the section one of a mode?  mode receives its name ("" when that is malformed). */
bool schema_mode(const char *section, char mode[NAME_MAX_LEN + 1]);

#endif
