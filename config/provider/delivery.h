/*
 * config/provider/delivery.h - which delivery `auto` means for a provider.
 */
#ifndef CONFIG_PROVIDER_DELIVERY_H
#define CONFIG_PROVIDER_DELIVERY_H

#include <stdbool.h>
#include "wire/policy.h"

struct provider;

/*
 * What is sealed where the files say `auto` or nothing: the tightest delivery that works
 * with the provider's kind of credential, relay where ccrun itself can send it as a
 * header, else preload.  relay: is there a relay?  Without one, what would go by relay
 * stays AUTO.
 */
enum delivery delivery_resolve_auto(const struct provider *p, bool relay);

/* The same for this ccrun. */
enum delivery provider_delivery_usual(const struct provider *p);

/* The delivery to seal for p: what its files say, or what `auto` means. */
enum delivery provider_delivery_sealed(const struct provider *p);

#endif
