/*
 * config/provider/resolve_endpoint.h - where a provider's requests go, and the origin that is
 * sealed with the key.
 */
#ifndef CONFIG_PROVIDER_RESOLVE_ENDPOINT_H
#define CONFIG_PROVIDER_RESOLVE_ENDPOINT_H

struct failure;
struct provider;
struct view;

/* Set p->base_url, p->local, p->note and p->origin, and check the parameters that auth puts
 * into a host name.  After resolve_secrets.  0, or -1 with FAIL_CONFIG. */
int resolve_endpoint(struct provider *p, const struct view *v, struct failure *f);

#endif
