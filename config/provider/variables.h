/*
 * config/provider/variables.h - what single environment variables do to Claude Code
 * and to the programs that it starts.
 */
#ifndef CONFIG_PROVIDER_VARIABLES_H
#define CONFIG_PROVIDER_VARIABLES_H

#include <stdbool.h>

struct own_manager_variables;

/* Does the name match a pattern, which has at most one '*', anywhere? */
bool variable_matches(const char *pattern, const char *name);

/* Does it decide where Claude Code sends requests and as whom?  It is dropped from the
 * user's environment, and refused in a provider's [env]. */
bool variable_routes_client(const char *name);

/* Does it make the JavaScript runtime load code or print what it holds?  It is dropped for
 * Claude Code and given back to the programs that it starts. */
bool variable_steers_runtime(const char *name);

/* Does it open a person's password manager, by what ccrun's source files say or the user's own
 * (NULL: none)?  A key may come from there (a source), and would be read there by whoever has
 * this: no session gets it, whether it uses a key or not. */
bool variable_opens_manager(const char *name, const struct own_manager_variables *own);

/* Does it carry a secret?  It is refused in [env]. */
bool variable_is_secret(const char *name);

/* Does Claude Code blank it for MCP servers and hooks?  Only then may it carry a secret
 * without `exposed = yes`. */
bool variable_is_blanked(const char *name);

/* Does it decide how programs run (PATH, LD_*, ...)?  No provider may set it, be it as a
 * value or as a secret. */
bool variable_steers_programs(const char *name);

/* Does it tell the AWS libraries which credentials, roles or endpoints to use? */
bool variable_is_aws_credential(const char *name);

/* Does it name a proxy (NO_PROXY does not)? */
bool variable_is_proxy(const char *name);

/*
 * Is it one that, with this value, cannot route the client, weaken its checks or make
 * it run something?  What is not known to be so is sealed with a provider's keys.
 */
bool variable_is_harmless(const char *name, const char *value);

/* Why the variable is refused in [env], and what to write instead (static); NULL when it
 * is allowed there. */
const char *variable_refusal_hint(const char *name);

#endif
