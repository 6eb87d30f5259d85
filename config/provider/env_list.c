/*
 * config/provider/env_list.c - adding variables to p->env.
 */
#include "config/provider/env_list.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/provider/auth.h"
#include "config/provider/params.h"
#include "config/provider/provider.h"

void env_list_where(const struct ini_item *at, char out[PROVIDER_WHERE])
{
	size_t n = strlen(at->path), room = PROVIDER_WHERE - 16;

	snprintf(out, PROVIDER_WHERE, "%s%s:%u", n > room ? "..." : "",
		 at->path + (n > room ? n - room : 0), at->line);
}

int env_list_add(struct provider *p, const char *name, const char *value, const char *from,
		 const struct ini_item *at, struct failure *f)
{
	if (env_list_put(p, name, value, from, NULL) != 0)
		return ini_fail(f, at, NULL, "more than %d variables in all", PROVIDER_ENV_MAX);
	if (at)
		env_list_where(at, p->env[p->envs - 1].where);
	return 0;
}

int env_list_put(struct provider *p, const char *name, const char *value, const char *from,
		 const char *where)
{
	struct provider_env *e = &p->env[p->envs];
	size_t n = where ? strlen(where) : 0, room = sizeof(e->where) - 4;

	if (p->envs == PROVIDER_ENV_MAX)
		return -1;
	snprintf(e->name, sizeof(e->name), "%s", name);
	snprintf(e->value, sizeof(e->value), "%s", value);
	e->from = from;
	e->where[0] = '\0';
	if (where)
		snprintf(e->where, sizeof(e->where), "%s%s", n > room ? "..." : "",
			 where + (n > room ? n - room : 0));
	p->envs++;
	return 0;
}

int env_list_expand(const struct provider *p, const struct ini_item *it, char *out, bool model,
		    struct failure *f)
{
	size_t i;

	if (params_expand(p, it, out, PROVIDER_VALUE_MAX + 1, f) != 0)
		return -1;
	for (i = 0; out[i]; i++)
		if (out[i] < ' ' || out[i] > '~' || (model && out[i] == ' '))
			return ini_fail(f, it, NULL, "%s: not plain ASCII%s", it->key,
					model ? " without spaces" : "");
	if (auth_looks_like_key(out))
		return ini_fail(f, it, "a key is stored with ccctl add, in the vault",
				"%s: the value looks like a key", it->key);
	return 0;
}
