/*
 * config/provider/delivery.c - which delivery `auto` means for a provider.
 */
#include "config/provider/delivery.h"

#include <string.h>

#include "config/provider/auth.h"
#include "config/provider/provider.h"

/* ccrun has no relay yet.  With one, entries are sealed for it from then on. */
static const bool have_relay = false;

/* The variable of a credential that is one header of a request, or NULL. */
static const char *header_variable(enum auth auth)
{
	switch (auth) {
	case AUTH_BEARER:
	case AUTH_API_KEY:
	case AUTH_FOUNDRY:
		return auth_variable(auth);
	case AUTH_BEDROCK:
		return "AWS_BEARER_TOKEN_BEDROCK";
	default:
		return NULL;
	}
}

enum delivery delivery_resolve_auto(const struct provider *p, bool relay)
{
	const char *variable = header_variable(p->auth);
	unsigned i;

	/* A secret in any other variable is one that the client itself must have. */
	for (i = 0; i < p->secrets; i++)
		if (!variable || strcmp(p->secret[i].variable, variable) != 0)
			return DELIVERY_PRELOAD;
	return relay ? DELIVERY_RELAY : DELIVERY_AUTO;
}

enum delivery provider_delivery_usual(const struct provider *p)
{
	return delivery_resolve_auto(p, have_relay);
}

enum delivery provider_delivery_sealed(const struct provider *p)
{
	return p->policy.delivery == DELIVERY_AUTO ? provider_delivery_usual(p)
						   : p->policy.delivery;
}
