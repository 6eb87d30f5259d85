/*
 * config/provider/names.h - the names of all providers.
 */
#ifndef CONFIG_PROVIDER_NAMES_H
#define CONFIG_PROVIDER_NAMES_H

struct failure;

/* Names of all providers, shipped and the user's, sorted, in *names.  The caller frees
 * each and the array.  0, or -1 with *names NULL. */
int provider_names(char ***names, unsigned *n, struct failure *f);

#endif
