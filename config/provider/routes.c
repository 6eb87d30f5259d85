/*
 * config/provider/routes.c - a provider beside its shipped file.
 */
#include "config/provider/routes.h"

#include <stdio.h>
#include <string.h>

#include "config/provider/auth.h"

static const char *routes_url(const struct provider *p)
{
	const char *space = strchr(p->origin, ' ');

	return space ? space + 1 : p->origin;
}

static void routes_variables(const struct provider *p, char out[ORIGIN_MAX_LEN + 1])
{
	size_t used = 0;
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < p->secrets; i++)
		used += (size_t)snprintf(out + used, ORIGIN_MAX_LEN + 1 - used, "%s%s",
					 i ? "," : "", p->secret[i].variable);
}

static void routes_entries(const struct provider *p, char out[ORIGIN_MAX_LEN + 1])
{
	size_t used = 0;
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < p->secrets; i++)
		used += (size_t)snprintf(out + used, ORIGIN_MAX_LEN + 1 - used, "%s%s",
					 i ? "," : "", p->secret[i].entry);
}

static void change_add(struct route_change *out, unsigned *n, const char *key, const char *from,
		       const char *to)
{
	if (strcmp(from, to) == 0)
		return;
	out[*n].key = key;
	snprintf(out[*n].from, sizeof(out[*n].from), "%s", from);
	snprintf(out[*n].to, sizeof(out[*n].to), "%s", to);
	(*n)++;
}

static bool shipped_has_default(const struct provider *s, const char *name)
{
	unsigned i;

	for (i = 0; i < s->params; i++)
		if (strcmp(s->param[i].name, name) == 0)
			return s->param[i].fallback[0] != '\0';
	return false;
}

/* The shipped NAME[:MODE] with its own defaults for answers, but the n given; rest: of p for what
 * has no default.  Without answers, where it refuses one: a file of the user's can suggest such
 * an answer.  NULL: there is none, or not with this mode. */
static struct provider *shipped_load(const char *name, const char *mode, const struct provider *p,
				     const struct provider_value *given, unsigned n, bool rest)
{
	struct provider_value value[2 * PROVIDER_PARAMS_MAX];
	struct provider *s, *answered;
	unsigned i, count = 0;

	if (provider_load_shipped(name, mode, NULL, 0, &s, NULL) != 0)
		return NULL;
	for (i = 0; i < s->params; i++)
		if (s->param[i].fallback[0])
			value[count++] =
				(struct provider_value){ s->param[i].name, s->param[i].fallback };
	for (i = 0; rest && i < p->params; i++)
		if (!shipped_has_default(s, p->param[i].name))
			value[count++] =
				(struct provider_value){ p->param[i].name, p->param[i].value };
	for (i = 0; i < n && count < 2 * PROVIDER_PARAMS_MAX; i++)
		value[count++] = given[i];
	if (provider_load_shipped(name, mode, value, count, &answered, NULL) != 0)
		return s;
	provider_free(s);
	return answered;
}

/* What p is compared with.  A mode that is not shipped does not make it the user's own. */
static struct provider *shipped_beside(const struct provider *p, const struct provider_value *given,
				       unsigned n)
{
	struct provider *s = shipped_load(p->shipped, p->mode, p, given, n, false);

	return s ? s : shipped_load(p->shipped_base, "", p, given, n, false);
}

enum routes provider_routes(const struct provider *p, const struct provider_value *given,
			    unsigned n, struct route_change out[ROUTE_CHANGES_MAX],
			    unsigned *changes)
{
	char from[ORIGIN_MAX_LEN + 1] = "", to[ORIGIN_MAX_LEN + 1];
	enum routes same = ROUTES_SHIPPED;
	struct provider *s;

	*changes = 0;
	if (!p->users_file[0])
		return ROUTES_SHIPPED;
	if (!p->users_over[0])
		return ROUTES_OWN;
	s = shipped_beside(p, given, n);
	change_add(out, changes, "base_url", s ? routes_url(s) : "", routes_url(p));
	change_add(out, changes, "auth", s ? auth_name(s->auth) : "", auth_name(p->auth));
	if (s)
		routes_variables(s, from);
	routes_variables(p, to);
	/* One without a key has none that could go elsewhere. */
	if (!s || s->secrets)
		change_add(out, changes, "variable", from, to);
	if (s && strcmp(s->name, p->name) != 0) {
		same = ROUTES_OWN;
	} else if (s && s->secrets) {
		/* Its limit, and whether its use waits for a yes, are sealed under that name. */
		routes_entries(s, from);
		routes_entries(p, to);
		change_add(out, changes, "secret", from, to);
	}
	provider_free(s);
	return *changes ? ROUTES_CHANGED : same;
}

/* Does the shipped file alone, with p's answers, lead to p's address without a key? */
static bool shipped_is_same(const struct provider *p, const char *name, const char *mode)
{
	struct provider_value value[PROVIDER_PARAMS_MAX];
	struct provider *s;
	unsigned i;
	bool same;

	for (i = 0; i < p->params; i++)
		value[i] = (struct provider_value){ p->param[i].name, p->param[i].value };
	if (provider_load_shipped(name, mode, value, p->params, &s, NULL) != 0)
		return false;
	same = s->secrets == 0 && strcmp(s->origin, p->origin) == 0;
	provider_free(s);
	return same;
}

/* True, too, where there is no shipped file. */
static bool shipped_needs_key(const char *name, const char *mode)
{
	struct provider *s;
	bool needs;

	if (provider_load_shipped(name, mode, NULL, 0, &s, NULL) != 0)
		return true;
	needs = s->secrets > 0;
	provider_free(s);
	return needs;
}

bool provider_keyless_by_user(const struct provider *p)
{
	if (!p->users_file[0])
		return false;
	/* An answer may be that there is no key: then it is the user's word, too. */
	if (!shipped_needs_key(p->name, p->mode) && shipped_is_same(p, p->name, p->mode))
		return false;
	return !p->borrowed[0] || shipped_needs_key(p->borrowed, "") ||
	       !shipped_is_same(p, p->borrowed, "");
}

bool provider_address_by_user(const struct provider *p)
{
	struct provider *s;
	bool same = false;

	if (!p->users_file[0])
		return false;
	s = shipped_load(p->name, p->mode, p, NULL, 0, true);
	if (s)
		same = strcmp(s->origin, p->origin) == 0;
	provider_free(s);
	return !same && !(p->borrowed[0] && shipped_is_same(p, p->borrowed, ""));
}
