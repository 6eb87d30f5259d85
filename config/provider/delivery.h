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

/* Has p a secret that is a header of requests (header:NAME)? */
bool secrets_have_header(const struct provider *p);

/*
 * What `auto`, or nothing, in the files means: the tightest delivery that works with p's
 * kind of credential, which is relay or preload.
 */
enum delivery provider_delivery_usual(const struct provider *p);

/* The delivery to seal for p: what its files say, or what `auto` means. */
enum delivery provider_delivery_sealed(const struct provider *p);

/*
 * What processes inside a session may have, to seal for p: what its files say; else use
 * where the key goes by relay alone, which never shows it to anybody, and deny elsewhere.
 */
enum nested provider_nested_sealed(const struct provider *p);

/* The same where the files say nothing. */
enum nested provider_nested_usual(const struct provider *p);

#endif
