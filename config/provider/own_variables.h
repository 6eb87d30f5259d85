/*
 * config/provider/own_variables.h - what a person's own environment says about models,
 * regions and requests: some of it passes, and of the rest a person is told.
 */
#ifndef CONFIG_PROVIDER_OWN_VARIABLES_H
#define CONFIG_PROVIDER_OWN_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>

struct provider;

/*
 * Does this variable pass, though it steers requests, where the provider does not set it?
 * What passes can name no other host than the cloud's own, and no other provider's model.
 */
bool own_variable_passes(const struct provider *p, const char *name, const char *value);

#define OWN_NAMES_SIZE 512

/* What of the environment does not count for the provider, as words for a person. */
struct own_variables {
	char names[OWN_NAMES_SIZE];  /* with ", " between; "": there are none */
	char places[OWN_NAMES_SIZE]; /* the sections of a provider's file where that is said */
	bool more;		     /* than names has room for */
};

/*
 * Those that are set, steer requests, have a place in a provider's file, and neither pass nor
 * are what the provider sets.  Credentials and addresses are not among them: they are what a
 * provider is chosen for.
 */
void own_variables_find(const struct provider *p, char *const *environ_in,
			struct own_variables *out);

#endif
