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

/* "NAME=value", "header:NAME=value", "secret:CARRIER=entry". */
struct sealed_line {
	const char *prefix, *name, *value;
};

static int compare_lines(const void *a, const void *b)
{
	const struct sealed_line *x = a, *y = b;
	int r = strcmp(x->prefix, y->prefix);

	if (r == 0)
		r = strcmp(x->name, y->name);
	return r ? r : strcmp(x->value, y->value);
}

/* Of [env] what might route; [regions] name hosts.  [headers] are lines of their own. */
static bool env_is_sealed(const struct provider_env *e)
{
	if (strcmp(e->from, "regions") == 0)
		return true;
	return strcmp(e->from, "env") == 0 && !variable_is_harmless(e->name, e->value);
}

int provider_env_sealed(const struct provider *p, char out[ENV_SEALED_MAX + 1], struct failure *f)
{
	struct sealed_line line[PROVIDER_ENV_MAX + HEADERS_MAX + SESSION_ENTRIES_MAX];
	unsigned i, n = 0;
	size_t used = 0;

	for (i = 0; i < p->envs; i++)
		if (env_is_sealed(&p->env[i]))
			line[n++] = (struct sealed_line){ "", p->env[i].name, p->env[i].value };
	for (i = 0; i < p->headers; i++)
		line[n++] =
			(struct sealed_line){ "header:", p->header[i].name, p->header[i].value };
	/* What one entry holds may say where another one goes: a gateway obeys its headers. */
	for (i = 0; p->secrets > 1 && i < p->secrets; i++)
		if (p->secret[i].users)
			line[n++] = (struct sealed_line){ "secret:", p->secret[i].variable,
							  p->secret[i].entry };
	/* A file's order says nothing: moving a line is no change. */
	qsort(line, n, sizeof(line[0]), compare_lines);
	out[0] = '\0';
	for (i = 0; i < n; i++) {
		used += (size_t)snprintf(out + used, ENV_SEALED_MAX + 1 - used, "%s%s=%s\n",
					 line[i].prefix, line[i].name, line[i].value);
		if (used > ENV_SEALED_MAX)
			return fail_set(f, FAIL_CONFIG, NULL,
					"provider %s: [env], [regions], [headers] and [secrets] "
					"have more than %d bytes of what is sealed",
					p->name, ENV_SEALED_MAX);
	}
	return (int)used;
}
