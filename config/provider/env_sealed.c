/*
 * config/provider/env_sealed.c - the part of a provider's [env] that is sealed with its
 * keys.
 */
#include "config/provider/env_sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "config/provider/provider.h"
#include "config/provider/variables.h"

static int compare_names(const void *a, const void *b)
{
	const struct provider_env *const *x = a, *const *y = b;
	int r = strcmp((*x)->name, (*y)->name);

	return r ? r : strcmp((*x)->value, (*y)->value);
}

int provider_env_sealed(const struct provider *p, char out[ENV_SEALED_MAX + 1], struct failure *f)
{
	const struct provider_env *sorted[PROVIDER_ENV_MAX];
	unsigned i, n = 0;
	size_t used = 0;

	for (i = 0; i < p->envs; i++)
		if (strcmp(p->env[i].from, "env") == 0 &&
		    !variable_is_harmless(p->env[i].name, p->env[i].value))
			sorted[n++] = &p->env[i];
	/* A file's order says nothing: moving a line is no change. */
	qsort(sorted, n, sizeof(sorted[0]), compare_names);
	out[0] = '\0';
	for (i = 0; i < n; i++) {
		used += (size_t)snprintf(out + used, ENV_SEALED_MAX + 1 - used, "%s=%s\n",
					 sorted[i]->name, sorted[i]->value);
		if (used > ENV_SEALED_MAX)
			return fail_set(f, FAIL_CONFIG, NULL,
					"provider %s: [env] has more than %d bytes of variables "
					"that are sealed",
					p->name, ENV_SEALED_MAX);
	}
	return (int)used;
}
