/*
 * config/provider/env_list.h - adding variables to p->env.
 */
#ifndef CONFIG_PROVIDER_ENV_LIST_H
#define CONFIG_PROVIDER_ENV_LIST_H

#include <stdbool.h>

#include "config/provider/provider.h"

struct failure;
struct ini_item;

/* The text of a model or an [env] value: only what an environment block can hold and a
 * terminal can show.  out has PROVIDER_VALUE_MAX + 1 bytes.  0, or -1 with FAIL_CONFIG. */
int env_list_expand(const struct provider *p, const struct ini_item *it, char *out, bool model,
		    struct failure *f);

/* Add a variable.  from: see struct provider_env.  at: the item that says so, or NULL.
 * 0, or -1 with FAIL_CONFIG (too many). */
int env_list_add(struct provider *p, const char *name, const char *value, const char *from,
		 const struct ini_item *at, struct failure *f);

/* FILE:LINE of an item.  The end of a long path says more than its beginning, which is cut off. */
void env_list_where(const struct ini_item *at, char out[PROVIDER_WHERE]);

/* The same for what no provider's file says; where it stands, or NULL.  0, or -1: too many. */
int env_list_put(struct provider *p, const char *name, const char *value, const char *from,
		 const char *where);

#endif
