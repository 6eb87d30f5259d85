/*
 * config/provider/delivery.c - what a relay can carry, and what `auto` means.
 */
#include "config/provider/delivery.h"

#include <stdio.h>
#include <string.h>

#include "config/provider/auth.h"
#include "config/provider/provider.h"
#include "wire/names.h"

bool relay_carries(const struct provider *p, char *why, size_t size)
{
	const char *own = auth_relayed_variable(p->auth);
	unsigned i;

	why[0] = '\0';
	if (!own) {
		snprintf(why, size, "auth = %s does not go through one", auth_name(p->auth));
		return false;
	}
	for (i = 0; i < p->secrets; i++)
		if (!wire_carrier_header(p->secret[i].variable) &&
		    strcmp(p->secret[i].variable, own) != 0) {
			snprintf(why, size, "it puts no %s into requests", p->secret[i].variable);
			return false;
		}
	return true;
}

bool secrets_have_header(const struct provider *p)
{
	unsigned i;

	for (i = 0; i < p->secrets && !wire_carrier_header(p->secret[i].variable); i++)
		;
	return i < p->secrets;
}

enum delivery provider_delivery_usual(const struct provider *p)
{
	char why[8];

	return relay_carries(p, why, sizeof(why)) ? DELIVERY_RELAY : DELIVERY_PRELOAD;
}

enum delivery provider_delivery_sealed(const struct provider *p)
{
	return p->policy.delivery == DELIVERY_AUTO ? provider_delivery_usual(p)
						   : p->policy.delivery;
}

enum nested provider_nested_usual(const struct provider *p)
{
	return provider_delivery_sealed(p) == DELIVERY_RELAY ? NESTED_USE : NESTED_DENY;
}

enum nested provider_nested_sealed(const struct provider *p)
{
	return p->says_nested ? p->policy.nested : provider_nested_usual(p);
}
