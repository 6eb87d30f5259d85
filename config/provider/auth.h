/*
 * config/provider/auth.h - the kinds of credential.
 */
#ifndef CONFIG_PROVIDER_AUTH_H
#define CONFIG_PROVIDER_AUTH_H

#include <stdbool.h>
#include "config/provider/provider.h"

#define AUTH_HINT_NAMES "bearer, api-key, oauth, none, foundry, bedrock, vertex"

/* As a file spells it. */
const char *auth_name(enum auth auth);

/* 0, or -1 when there is no kind of that name; *near is then the nearest name, or NULL. */
int auth_from_name(const char *name, enum auth *out, const char **near);

/* The environment variable that carries the credential, or NULL: [secrets] says which. */
const char *auth_variable(enum auth auth);

/* Does the value look like a key that was written where a name belongs? */
bool auth_looks_like_key(const char *value);

#endif
