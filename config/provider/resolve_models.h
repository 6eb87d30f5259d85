/*
 * config/provider/resolve_models.h - [models] as environment variables.
 */
#ifndef CONFIG_PROVIDER_RESOLVE_MODELS_H
#define CONFIG_PROVIDER_RESOLVE_MODELS_H

struct failure;
struct provider;
struct view;

/* Add the variables of [models] to p->env, and set p->model.  0, or -1 with FAIL_CONFIG. */
int resolve_models(struct provider *p, const struct view *v, struct failure *f);

/* Set one model (a key of [models]) over what the files say.  The caller has checked the
 * value.  0, or -1 with FAIL_CONFIG. */
int provider_set_model(struct provider *p, const char *key, const char *value, struct failure *f);

#endif
