/*
 * config/provider/variables.h - what is known of single variables, beyond what
 * config/provider/environment.h exports.
 */
#ifndef CONFIG_PROVIDER_VARIABLES_H
#define CONFIG_PROVIDER_VARIABLES_H

#include <stdbool.h>

/* What a provider's file should say in the place of this variable in [env]
 * (a hint, static), or NULL when the variable is allowed there. */
const char *variable_refusal_hint(const char *name);

/* Does it decide how programs run (PATH, LD_*, ...), so that no provider may
 * touch it, be it as a value or as a secret? */
bool variable_steers_programs(const char *name);

/* Does it tell the AWS libraries which credentials, roles or endpoints to use? */
bool variable_is_aws_credential(const char *name);

/* Does it name a proxy (NO_PROXY is none)? */
bool variable_is_proxy(const char *name);

#endif
