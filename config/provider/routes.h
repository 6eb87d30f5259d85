/*
 * config/provider/routes.h - what the user's own files change of where a provider's requests
 * and its key go, and of the entry that has the key.  Such a file is easily written by what runs as the user; what is shipped
 * is not.
 */
#ifndef CONFIG_PROVIDER_ROUTES_H
#define CONFIG_PROVIDER_ROUTES_H

#include <stdbool.h>
#include "config/provider/provider.h"

enum routes {
	ROUTES_SHIPPED, /* as the shipped file says */
	ROUTES_CHANGED, /* the user's files say something else, or it cannot be told */
	ROUTES_OWN	/* a provider or a mode of the user's own, which changes no shipped one */
};

struct route_change {
	const char *key; /* base_url, auth, variable, secret */
	char from[ORIGIN_MAX_LEN + 1], to[ORIGIN_MAX_LEN + 1];
};
#define ROUTE_CHANGES_MAX 4

/*
 * Compare p with its shipped file, whose questions have the n answers given, or else its own
 * defaults; or none, where it refuses them.  A provider that is the user's own is compared with
 * the shipped one that it uses, if the user has a file of that too; a mode that is the user's own
 * with the provider that it starts from.  out, *changes: the differences, one at least, with
 * ROUTES_CHANGED alone.
 */
enum routes provider_routes(const struct provider *p, const struct provider_value *given,
			    unsigned n, struct route_change out[ROUTE_CHANGES_MAX],
			    unsigned *changes);

/*
 * p has no key: do the user's files alone say so, or that its requests go elsewhere than
 * to the shipped address?  (A parameter is the address where the shipped file asks for it.)
 */
bool provider_keyless_by_user(const struct provider *p);

/* Do p's requests go elsewhere than the shipped file says, its questions answered by their
 * defaults? */
bool provider_address_by_user(const struct provider *p);

#endif
