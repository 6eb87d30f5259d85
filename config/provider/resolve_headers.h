/*
 * config/provider/resolve_headers.h - [headers] and [betas]: what requests say beside the
 * credential.
 */
#ifndef CONFIG_PROVIDER_RESOLVE_HEADERS_H
#define CONFIG_PROVIDER_RESOLVE_HEADERS_H

struct failure;
struct ini_item;
struct provider;
struct view;

/* May the item's key stand in [headers]?  0, or -1 with FAIL_CONFIG and where it is said. */
int headers_check_key(const struct ini_item *it, struct failure *f);

/*
 * Fill p->header, and add ANTHROPIC_CUSTOM_HEADERS and ANTHROPIC_BETAS to p->env.  After
 * the parameters and the kind of credential.  0, or -1 with FAIL_CONFIG.
 */
int resolve_headers(struct provider *p, const struct view *v, struct failure *f);

#endif
