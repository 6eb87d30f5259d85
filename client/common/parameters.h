/*
 * client/common/parameters.h - a provider's parameters: given with --set, asked for,
 * or missing.
 */
#ifndef CLIENT_COMMON_PARAMETERS_H
#define CLIENT_COMMON_PARAMETERS_H

#include "config/provider/provider.h"

struct failure;

/* What --set gave. */
struct given_params {
	char *word[PROVIDER_PARAMS_MAX]; /* KEY=VALUE, in argv */
	unsigned n;
};

/* Add one KEY=VALUE, which must outlive s.  0 or -1. */
int given_params_add(struct given_params *s, char *word, struct failure *f);

/*
 * Store what was given in the user's file of the provider, ask for what is missing,
 * and load the provider again (*p is replaced).  FAIL_USAGE, with a command that gives
 * what is missing, when there is no terminal.  0 or -1.
 */
int parameters_settle(struct provider **p, const struct given_params *s, struct failure *f);

#endif
