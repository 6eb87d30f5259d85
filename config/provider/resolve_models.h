/*
 * config/provider/resolve_models.h - [models] as environment variables.
 */
#ifndef CONFIG_PROVIDER_RESOLVE_MODELS_H
#define CONFIG_PROVIDER_RESOLVE_MODELS_H

#include <stdbool.h>

struct failure;
struct ini_item;
struct provider;
struct view;

/* Is the item's key one of [models]; with names_model, one that says which model it is or
 * how much that reads?  0, or -1 with FAIL_CONFIG and the nearest one. */
int models_check_key(const struct ini_item *it, bool names_model, struct failure *f);

/*
 * The key of [models] that sets the variable to its value as it is, with any kind of
 * credential, or NULL.  ANTHROPIC_SMALL_FAST_MODEL is the former name of haiku's.
 */
const char *models_key_of(const char *variable);

/* Add the variables of [models] to p->env, and set p->model.  0, or -1 with FAIL_CONFIG. */
int resolve_models(struct provider *p, const struct view *v, struct failure *f);

/* Set one model (a key of [models]) over what the files say.  The caller has checked the
 * value.  0, or -1 with FAIL_CONFIG. */
int provider_set_model(struct provider *p, const char *key, const char *value, struct failure *f);

#endif
