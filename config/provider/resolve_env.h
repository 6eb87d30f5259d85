/*
 * config/provider/resolve_env.h - everything that is set for Claude Code, secrets excepted.
 */
#ifndef CONFIG_PROVIDER_RESOLVE_ENV_H
#define CONFIG_PROVIDER_RESOLVE_ENV_H

struct failure;
struct provider;
struct view;

/* Set p->env from the endpoint, auth, [models], [env] and p->policy, and p->model.  After all
 * other steps.  0, or -1 with FAIL_CONFIG. */
int resolve_env(struct provider *p, const struct view *v, struct failure *f);

#endif
