/*
 * config/provider/manager_variables.h - which environment variables open a password manager.
 * The files of share/sources name them; tools/manager-variables writes manager_variables.c of
 * these when ccrun is built.
 */
#ifndef CONFIG_PROVIDER_MANAGER_VARIABLES_H
#define CONFIG_PROVIDER_MANAGER_VARIABLES_H

#include "wire/limits.h"

/* Patterns as in variable_matches; the last is NULL. */
extern const char *const manager_variables[];

#define OWN_MANAGER_VARIABLES 64

/* Those that the user's own source files add (config/source/source_opens.h). */
struct own_manager_variables {
	unsigned n;
	char pattern[OWN_MANAGER_VARIABLES][VARIABLE_MAX_LEN + 1];
};

#endif
