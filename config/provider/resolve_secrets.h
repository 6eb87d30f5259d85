/*
 * config/provider/resolve_secrets.h - which vault entries become which variables.
 */
#ifndef CONFIG_PROVIDER_RESOLVE_SECRETS_H
#define CONFIG_PROVIDER_RESOLVE_SECRETS_H

struct failure;
struct provider;
struct view;

/* Set p->secret and p->exposed.  After resolve_auth.  0, or -1 with FAIL_CONFIG. */
int resolve_secrets(struct provider *p, const struct view *v, struct failure *f);

#endif
