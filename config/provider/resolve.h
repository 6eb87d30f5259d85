/*
 * config/provider/resolve.h - the steps of resolving a provider, each in its
 * file, called in this order by provider_load.
 */
#ifndef CONFIG_PROVIDER_RESOLVE_H
#define CONFIG_PROVIDER_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/paths.h"
#include "config/provider/layers.h"
#include "config/provider/provider.h"

struct failure;

/*
 * The directory of the shipped files or of the user's overlays, opened and
 * checked.  *fd is -1 when there is none.  Returns 0 or -1.
 */
int provider_dir_open(bool shipped, char path[PATH_SIZE], int *fd, struct failure *f);

/* provider_load with one parameter's value on trial (key NULL for none). */
int provider_load_trying(const char *name, const char *mode, const char *key, const char *value,
		       struct provider **out, struct failure *f);

/* ---- provider_params.c ---- */

/* Collect [parameters] into p->param. */
int resolve_params(struct provider *p, const struct view *v, struct failure *f);

/* Are the values among the choices?  After the values on trial are in p->param. */
int resolve_check_choices(const struct provider *p, const struct view *v, struct failure *f);

/* Is the value one that a parameter may have? */
bool params_value_ok(const char *value);

const struct provider_param *params_find(const struct provider *p, const char *name, size_t n);

/*
 * Write the item's value with ${name} replaced where the parameter is known.
 * An undeclared parameter, control characters and a value longer than
 * size - 1 are FAIL_CONFIG at the item.
 */
int params_expand(const struct provider *p, const struct ini_item *it, char *out, size_t size,
		  struct failure *f);

/* The same, of the key of [provider]; out is "" when it is not there. */
int params_text(const struct provider *p, const struct view *v, const char *key, char *out,
		size_t size, struct failure *f);

/* Refuse a value that would leave its place in a host name. */
int params_check_host(const struct provider_param *param, const struct ini_item *at,
		      struct failure *f);

/* ---- provider_endpoint.c ---- */

/* p->base_url, p->local, p->note; params that auth puts into a host; p->origin. */
int resolve_endpoint(struct provider *p, const struct view *v, struct failure *f);

/* ---- provider_env.c ---- */

/* p->env and p->model, from auth, endpoint, [models], [env] and the policy. */
int resolve_env(struct provider *p, const struct view *v, struct failure *f);

/* ---- provider_secrets.c ---- */

/* As the file spells it. */
const char *auth_name(enum auth auth);

/* p->auth, p->placeholder. */
int resolve_auth(struct provider *p, const struct view *v, struct failure *f);
/* p->secret, p->exposed; needs auth. */
int resolve_secrets(struct provider *p, const struct view *v, struct failure *f);

/* Does it look like a key that was written where a name belongs? */
bool auth_looks_like_key(const char *value);

#endif
