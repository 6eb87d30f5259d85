/*
 * config/provider/names.h - the names of all providers.
 */
#ifndef CONFIG_PROVIDER_NAMES_H
#define CONFIG_PROVIDER_NAMES_H

#include <stdbool.h>

#include "wire/limits.h"

struct failure;

/* Names of all providers, shipped and the user's, sorted, in *names.  The caller frees
 * each and the array.  0, or -1 with *names NULL. */
int provider_names(char ***names, unsigned *n, struct failure *f);

/* The provider whose name is nearest to a mistyped one; false where none is near. */
bool provider_near(const char *name, char near[NAME_MAX_LEN + 1]);

#endif
