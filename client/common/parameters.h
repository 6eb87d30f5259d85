/*
 * client/common/parameters.h - a provider's parameters: given with --set, asked for,
 * or missing.
 */
#ifndef CLIENT_COMMON_PARAMETERS_H
#define CLIENT_COMMON_PARAMETERS_H

#include "config/provider/provider.h"

struct failure;

struct settings {
	char *word[PROVIDER_PARAMS_MAX]; /* key=value, as given */
	unsigned n;
};

int settings_add(struct settings *s, char *word, struct failure *f);

/*
 * Store what was given in the user's overlay, ask for what is missing, load
 * the provider again (*p is replaced).  FAIL_USAGE with the command that would
 * do when nobody can be asked.
 */
int parameters_settle(struct provider **p, const struct settings *s, struct failure *f);

#endif
