/*
 * config/provider/environment.h - the environment rules: from the user's environment and a
 * provider to what Claude Code gets.  ccrun(1), ENVIRONMENT.
 */
#ifndef CONFIG_PROVIDER_ENVIRONMENT_H
#define CONFIG_PROVIDER_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

struct own_manager_variables;
struct provider;

enum env_action {
	ENV_KEEP,
	ENV_SET,
	ENV_UNSET,
	ENV_SAVE /* unset for Claude Code, given back to the programs that it starts */
};

struct env_change {
	enum env_action action;
	const char *name; /* borrowed from environ or the provider */
	size_t name_len;
	const char *value; /* ENV_SET: the value; ENV_SAVE: the old one */
};

/*
 * The changes to environ (NULL-terminated "NAME=value" array) for provider p:
 * every ENV_UNSET and ENV_SAVE in environ's order, then every ENV_SET in the
 * provider's order (CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST, CCRUN_PROVIDER and
 * CCRUN_MODE last).  Secrets are no change here: their variables are unset.
 * key_inside: Claude Code itself has the key, and its TLS is all that keeps it from a proxy.
 * own: what the user's source files add to the variables that open a password manager, or NULL.
 * *out is allocated (free); strings are borrowed.  Returns the count or -1
 * (no memory).
 */
int environment_plan(const struct provider *p, bool key_inside,
		     const struct own_manager_variables *own, char *const *environ_in,
		     struct env_change **out);

/* Of environ, the first variable that would have Claude Code trust further certificate
 * authorities, and that a plan with key_inside takes away; or NULL. */
const char *environment_authorities(const struct provider *p, char *const *environ_in);

/*
 * Is Claude Code told that its provider is managed (CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST)?  Not
 * where it finds its credentials by itself.
 */
bool environment_is_managed(const struct provider *p);

#endif
