/*
 * config/provider/environment.h - the environment rules, pure: from the user's
 * environment and a provider to what claude gets.  ccrun(1), ENVIRONMENT.
 */
#ifndef CONFIG_PROVIDER_ENVIRONMENT_H
#define CONFIG_PROVIDER_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

struct provider;

/* Does this variable route or authenticate the client (dropped, and refused
 * in a provider's [env] unless the client's tuning needs it)? */
bool variable_routes_client(const char *name);

/* Does it make the client's runtime run or print things (dropped for claude,
 * given back to its children)? */
bool variable_steers_runtime(const char *name);

/* Does it carry a secret (refused in [env])? */
bool variable_is_secret(const char *name);

/* Does the client blank it for MCP servers and hooks (may carry a secret
 * without `exposed = yes`)? */
bool variable_is_blanked(const char *name);

enum env_action { ENV_KEEP, ENV_SET, ENV_UNSET, ENV_SAVE /* dropped, children get it back */ };

struct env_change {
	enum env_action action;
	const char *name;  /* borrowed from environ or the provider */
	size_t name_len;
	const char *value; /* ENV_SET: the value; ENV_SAVE: the old one */
};

/*
 * The changes to environ (NULL-terminated "NAME=value" array) for provider p:
 * every ENV_UNSET and ENV_SAVE in environ's order, then every ENV_SET in the
 * provider's order (CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST, CCRUN_PROVIDER and
 * CCRUN_MODE last).  Secrets are no change here: their variables are unset.
 * *out is allocated (free); strings are borrowed.  Returns the count or -1
 * (no memory).
 */
int environment_plan(const struct provider *p, char *const *environ_in, struct env_change **out);

#endif
