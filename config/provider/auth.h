/*
 * config/provider/auth.h - the kinds of credential.
 */
#ifndef CONFIG_PROVIDER_AUTH_H
#define CONFIG_PROVIDER_AUTH_H

#include <stdbool.h>
#include "config/provider/provider.h"

#define AUTH_HINT_NAMES                                                           \
	"bearer, api-key, oauth, none, foundry, foundry-token, bedrock, mantle, " \
	"vertex, claude-aws, claude-google, gateway"

/* What the client is told, by environment variables, for a kind of credential. */
struct auth_client {
	const char *use;      /* the switch that chooses the cloud; NULL: none */
	const char *base_url; /* where the address stands */
	const char *skip;     /* the switch to send no credential; NULL: there is none for it */
	const char *
		listed; /* its name in `allowedProviders`, at the cloud's own address; NULL: none */
};

/* A parameter that the kind cannot do without, and the variable that has its value. */
struct auth_parameter {
	const char *name, *variable;
	bool names_host; /* not needed beside a base_url, which says it */
};

/* As a file spells it. */
const char *auth_name(enum auth auth);

/* 0, or -1 when there is no kind of that name; *near is then the nearest name, or NULL. */
int auth_from_name(const char *name, enum auth *out, const char **near);

/* The environment variable that carries the credential, or NULL: [secrets] says which. */
const char *auth_variable(enum auth auth);

const struct auth_client *auth_client(enum auth auth);

/* Parameter number i (from 0) of the kind, or NULL. */
const struct auth_parameter *auth_parameter(enum auth auth, unsigned i);

/* Does the client look for credentials of AWS, where the vault has none? */
bool auth_is_aws(enum auth auth);

/* The variable whose value a relay can put into requests in its place, or NULL. */
const char *auth_relayed_variable(enum auth auth);

/* Is it the Messages API that is asked, with one credential that stands in a request? */
bool auth_has_messages(enum auth auth);

/* Does the value look like a key that was written where a name belongs? */
bool auth_looks_like_key(const char *value);

/*
 * Does it look like a key, or like what only a machine makes up?  What people answer is none:
 * names of models, resources and regions, addresses, numbers, the hexadecimal ids of accounts.
 */
bool auth_looks_like_secret(const char *value);

#endif
