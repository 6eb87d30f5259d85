/*
 * config/provider/resolve_env.c - everything that is set for Claude Code, secrets
 * excepted: from the endpoint, the kind of credential, [models] and [env].
 */
#include "config/provider/resolve_env.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/paths.h"
#include "config/ini/ini_file.h"
#include "config/provider/auth.h"
#include "config/provider/env_list.h"
#include "config/provider/params.h"
#include "config/provider/provider.h"
#include "config/provider/resolve_headers.h"
#include "config/provider/resolve_models.h"
#include "config/provider/resolve_regions.h"
#include "config/provider/view.h"

/* A parameter's value, or ${name} while it is missing. */
static int env_add_param(struct provider *p, const char *variable, const char *name,
			 const struct ini_item *at, struct failure *f)
{
	const struct provider_param *param = params_find(p, name, strlen(name));
	char unknown[NAME_MAX_LEN + 4];

	snprintf(unknown, sizeof(unknown), "${%s}", name);
	return env_list_add(p, variable, param && param->value[0] ? param->value : unknown, "auth",
			    at, f);
}

static int env_add_endpoint(struct provider *p, const struct view *v, const struct ini_item *at,
			    struct failure *f)
{
	const struct ini_item *url = view_get(v, "provider", "base_url", NULL);
	const char *variable = auth_client(p->auth)->base_url;

	return p->base_url[0]
		       ? env_list_add(p, variable, p->base_url, "endpoint", url ? url : at, f)
		       : 0;
}

static int env_add_auth(struct provider *p, const struct ini_item *at, struct failure *f)
{
	const struct auth_client *client = auth_client(p->auth);
	const struct auth_parameter *needed;
	unsigned i;

	if (client->use && env_list_add(p, client->use, "1", "auth", at, f) != 0)
		return -1;
	for (i = 0; (needed = auth_parameter(p->auth, i)); i++)
		if (!(needed->names_host && p->base_url[0]) &&
		    env_add_param(p, needed->variable, needed->name, at, f) != 0)
			return -1;
	if (!p->placeholder[0])
		return 0;
	return env_list_add(p, "ANTHROPIC_AUTH_TOKEN", p->placeholder, "auth", at, f);
}

static int env_add_skip_auth(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", "skip_auth", NULL);
	const char *variable = auth_client(p->auth)->skip;

	if (!it || strcmp(it->value, "no") == 0)
		return 0;
	if (strcmp(it->value, "yes") != 0)
		return ini_fail(f, it, NULL, "skip_auth is yes or no");
	if (!variable)
		return ini_fail(f, it, NULL, "skip_auth goes with a cloud's kind of auth, not %s",
				auth_name(p->auth));
	return env_list_add(p, variable, "1", "auth", it, f);
}

static int env_add_env_section(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *items[PROVIDER_ENV_MAX];
	char value[PROVIDER_VALUE_MAX + 1];
	int i, n = view_items(v, 0, "env", items, PROVIDER_ENV_MAX, f);

	for (i = 0; i < n; i++)
		if (env_list_expand(p, items[i], value, false, f) != 0 ||
		    env_list_add(p, items[i]->key, value, "env", items[i], f) != 0)
			return -1;
	return n < 0 ? -1 : 0;
}

/*
 * Without this switch Claude Code sends an API key for another vendor's endpoint to
 * api.anthropic.com as well, with its nonessential traffic, and connects there with a
 * subscription's token too (measured with Claude Code 2.1.330; a bearer token is not
 * sent there).
 */
static int env_add_quiet(struct provider *p, const struct ini_item *at, struct failure *f)
{
	static const char quiet[] = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC";
	unsigned i;

	if ((p->auth != AUTH_API_KEY && p->auth != AUTH_OAUTH) ||
	    strcmp(strchr(p->origin, ' '), " https://api.anthropic.com") == 0)
		return 0;
	for (i = 0; i < p->envs; i++)
		if (strcmp(p->env[i].name, quiet) == 0)
			return 0;
	return env_list_add(p, quiet, "1", "auth", at, f);
}

/* A directory of the provider's own for Claude Code's settings, histories and login. */
static int env_add_config_dir(struct provider *p, const struct ini_item *at, struct failure *f)
{
	char path[PATH_SIZE];

	if (!p->policy.config_dir[0])
		return 0;
	if (path_expand(p->policy.config_dir, path, f) != 0)
		return -1;
	if (strlen(path) > PROVIDER_VALUE_MAX)
		return ini_fail(f, at, NULL, "config_dir is longer than %d characters",
				PROVIDER_VALUE_MAX);
	return env_list_add(p, "CLAUDE_CONFIG_DIR", path, "policy", at, f);
}

int resolve_env(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *at = view_get(v, "provider", "auth", NULL);

	if (env_add_endpoint(p, v, at, f) != 0 || env_add_auth(p, at, f) != 0 ||
	    env_add_skip_auth(p, v, f) != 0)
		return -1;
	if (resolve_models(p, v, f) != 0 || resolve_regions(p, v, f) != 0 ||
	    resolve_headers(p, v, f) != 0 || env_add_env_section(p, v, f) != 0)
		return -1;
	return env_add_config_dir(p, at, f) != 0 ? -1 : env_add_quiet(p, at, f);
}
