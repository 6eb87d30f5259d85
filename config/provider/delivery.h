/*
 * config/provider/delivery.h - what a relay can carry, and what `auto` means.
 */
#ifndef CONFIG_PROVIDER_DELIVERY_H
#define CONFIG_PROVIDER_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include "wire/policy.h"

struct provider;

/* Can a relay put p's secrets into requests?  Else why (size bytes) says why not. */
bool relay_carries(const struct provider *p, char *why, size_t size);

/* Has p a secret that only a relay can put into requests (header:NAME)? */
bool relay_is_needed(const struct provider *p);

/*
 * What is sealed where the files say `auto` or nothing: the tightest delivery that works
 * with the provider's kind of credential: relay, else preload.  relay: does `auto` mean
 * one?  If not, what could go by relay stays AUTO, unless it goes no other way.
 */
enum delivery delivery_resolve_auto(const struct provider *p, bool relay);

/* The same for this ccrun. */
enum delivery provider_delivery_usual(const struct provider *p);

/* The delivery to seal for p: what its files say, or what `auto` means. */
enum delivery provider_delivery_sealed(const struct provider *p);

#endif
