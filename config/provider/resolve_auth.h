/*
 * config/provider/resolve_auth.h - the kind of credential of a provider.
 */
#ifndef CONFIG_PROVIDER_RESOLVE_AUTH_H
#define CONFIG_PROVIDER_RESOLVE_AUTH_H

struct failure;
struct provider;
struct view;

/* Set p->auth and p->placeholder.  After resolve_params.  0, or -1 with FAIL_CONFIG. */
int resolve_auth(struct provider *p, const struct view *v, struct failure *f);

#endif
