/*
 * config/provider/resolve_headers.h - [headers] and [betas]: what requests say beside the
 * credential.
 */
#ifndef CONFIG_PROVIDER_RESOLVE_HEADERS_H
#define CONFIG_PROVIDER_RESOLVE_HEADERS_H

struct failure;
struct provider;
struct view;

/*
 * Fill p->header, and add ANTHROPIC_CUSTOM_HEADERS and ANTHROPIC_BETAS to p->env.  After
 * the parameters and the kind of credential.  0, or -1 with FAIL_CONFIG.
 */
int resolve_headers(struct provider *p, const struct view *v, struct failure *f);

#endif
