/*
 * config/provider/resolve_env.c - everything that is set for the client, secrets
 * excepted: from the endpoint, the kind of credential, [models] and [env].
 */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/provider/resolve.h"

static const struct {
	const char *key, *variable;
} models[] = {
	{ "default", "ANTHROPIC_MODEL" },
	{ "fable", "ANTHROPIC_DEFAULT_FABLE_MODEL" },
	{ "opus", "ANTHROPIC_DEFAULT_OPUS_MODEL" },
	{ "sonnet", "ANTHROPIC_DEFAULT_SONNET_MODEL" },
	{ "haiku", "ANTHROPIC_DEFAULT_HAIKU_MODEL" },
	{ "subagent", "CLAUDE_CODE_SUBAGENT_MODEL" },
	{ "context", "CLAUDE_CODE_MAX_CONTEXT_TOKENS" },
};

/* The end of a long path says more than its beginning. */
static void remember_where(struct provider_env *e, const struct ini_item *at)
{
	size_t n = at ? strlen(at->path) : 0, room = sizeof(e->where) - 16;

	if (at)
		snprintf(e->where, sizeof(e->where), "%s%s:%u", n > room ? "..." : "", at->path + (n > room ? n - room : 0),
			 at->line);
}

static int put(struct provider *p, const char *name, const char *value, const char *from,
	       const struct ini_item *at, struct failure *f)
{
	struct provider_env *e = &p->env[p->envs];

	if (p->envs == PROVIDER_ENV_MAX)
		return ini_fail(f, at, NULL, "more than %d variables in all", PROVIDER_ENV_MAX);
	snprintf(e->name, sizeof(e->name), "%s", name);
	snprintf(e->value, sizeof(e->value), "%s", value);
	e->from = from;
	remember_where(e, at);
	p->envs++;
	return 0;
}

/* A parameter's value, or ${name} while it is missing. */
static int put_param(struct provider *p, const char *variable, const char *name,
		     const struct ini_item *at, struct failure *f)
{
	const struct provider_param *param = params_find(p, name, strlen(name));
	char unknown[NAME_MAX_LEN + 4];

	snprintf(unknown, sizeof(unknown), "${%s}", name);
	return put(p, variable, param && param->value[0] ? param->value : unknown, "auth", at, f);
}

static int put_endpoint(struct provider *p, const struct view *v, const struct ini_item *at, struct failure *f)
{
	const struct ini_item *url = view_get(v, "provider", "base_url", NULL);
	const char *variable = "ANTHROPIC_BASE_URL";

	if (p->auth == AUTH_BEDROCK)
		variable = "ANTHROPIC_BEDROCK_BASE_URL";
	else if (p->auth == AUTH_VERTEX)
		variable = "ANTHROPIC_VERTEX_BASE_URL";
	else if (p->auth == AUTH_FOUNDRY)
		variable = "ANTHROPIC_FOUNDRY_BASE_URL";
	return p->base_url[0] ? put(p, variable, p->base_url, "endpoint", url ? url : at, f) : 0;
}

static int put_auth(struct provider *p, const struct ini_item *at, struct failure *f)
{
	int bad = 0;

	if (p->auth == AUTH_BEDROCK) {
		bad |= put(p, "CLAUDE_CODE_USE_BEDROCK", "1", "auth", at, f);
		bad |= put_param(p, "AWS_REGION", "region", at, f);
	} else if (p->auth == AUTH_VERTEX) {
		bad |= put(p, "CLAUDE_CODE_USE_VERTEX", "1", "auth", at, f);
		bad |= put_param(p, "CLOUD_ML_REGION", "region", at, f);
		bad |= put_param(p, "ANTHROPIC_VERTEX_PROJECT_ID", "project", at, f);
	} else if (p->auth == AUTH_FOUNDRY) {
		bad |= put(p, "CLAUDE_CODE_USE_FOUNDRY", "1", "auth", at, f);
		if (!p->base_url[0])
			bad |= put_param(p, "ANTHROPIC_FOUNDRY_RESOURCE", "resource", at, f);
	}
	if (p->placeholder[0])
		bad |= put(p, "ANTHROPIC_AUTH_TOKEN", p->placeholder, "auth", at, f);
	return bad;
}

static int put_skip(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", "skip_auth", NULL);

	if (!it || strcmp(it->value, "no") == 0)
		return 0;
	if (strcmp(it->value, "yes") != 0)
		return ini_fail(f, it, NULL, "skip_auth is yes or no");
	if (p->auth == AUTH_BEDROCK)
		return put(p, "CLAUDE_CODE_SKIP_BEDROCK_AUTH", "1", "auth", it, f);
	if (p->auth == AUTH_VERTEX)
		return put(p, "CLAUDE_CODE_SKIP_VERTEX_AUTH", "1", "auth", it, f);
	return ini_fail(f, it, NULL, "skip_auth goes with auth = bedrock or vertex");
}

/* The text of a model or an [env] value: what an environment block can hold
 * and a terminal can show. */
static int value_of(const struct provider *p, const struct ini_item *it, char *out, bool model,
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

static bool is_number(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < 10 && s[0] != '0' && strspn(s, "0123456789") == n;
}

static int put_models(struct provider *p, const struct view *v, struct failure *f)
{
	char value[PROVIDER_VALUE_MAX + 1];
	const struct ini_item *it;
	size_t i;

	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		it = view_get(v, "models", models[i].key, NULL);
		if (!it)
			continue;
		if (value_of(p, it, value, true, f) != 0)
			return -1;
		if (strcmp(models[i].key, "context") == 0 && !is_number(value) &&
		    !strstr(value, "${"))
			return ini_fail(f, it, NULL, "context is a number of tokens");
		if (put(p, models[i].variable, value, "models", it, f) != 0)
			return -1;
		if ((i == 0 || (strcmp(models[i].key, "opus") == 0 && !p->model[0])) &&
		    !strstr(value, "${") && strlen(value) < sizeof(p->model))
			memcpy(p->model, value, strlen(value) + 1);
	}
	return 0;
}

static int put_env(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *items[PROVIDER_ENV_MAX];
	char value[PROVIDER_VALUE_MAX + 1];
	int i, n = view_items(v, 0, "env", items, PROVIDER_ENV_MAX, f);

	for (i = 0; i < n; i++)
		if (value_of(p, items[i], value, false, f) != 0 ||
		    put(p, items[i]->key, value, "env", items[i], f) != 0)
			return -1;
	return n < 0 ? -1 : 0;
}

/*
 * A piped or plain API key for somebody else's endpoint would go to
 * api.anthropic.com as well, with the client's side traffic (measured with
 * Claude Code 2.1.330; only this switch stops it, and a bearer token is not
 * sent there).  With a subscription's token it connects there, too.  So the
 * token goes where it was said only with this set.
 */
static int put_quiet(struct provider *p, const struct ini_item *at, struct failure *f)
{
	static const char quiet[] = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC";
	unsigned i;

	if ((p->auth != AUTH_API_KEY && p->auth != AUTH_OAUTH) ||
	    strcmp(strchr(p->origin, ' '), " https://api.anthropic.com") == 0)
		return 0;
	for (i = 0; i < p->envs; i++)
		if (strcmp(p->env[i].name, quiet) == 0)
			return 0;
	return put(p, quiet, "1", "auth", at, f);
}

/* Its own settings, histories and login, in a directory of the provider's. */
static int put_config_dir(struct provider *p, const struct ini_item *at, struct failure *f)
{
	char path[PATH_SIZE];

	if (!p->policy.config_dir[0])
		return 0;
	if (path_written(p->policy.config_dir, path, f) != 0)
		return -1;
	if (strlen(path) > PROVIDER_VALUE_MAX)
		return ini_fail(f, at, NULL, "config_dir is longer than %d characters",
				PROVIDER_VALUE_MAX);
	return put(p, "CLAUDE_CONFIG_DIR", path, "policy", at, f);
}

int resolve_env(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *at = view_get(v, "provider", "auth", NULL);

	if (put_endpoint(p, v, at, f) != 0 || put_auth(p, at, f) != 0 || put_skip(p, v, f) != 0)
		return -1;
	if (put_models(p, v, f) != 0 || put_env(p, v, f) != 0)
		return -1;
	return put_config_dir(p, at, f) != 0 ? -1 : put_quiet(p, at, f);
}

int provider_set_model(struct provider *p, const char *key, const char *value, struct failure *f)
{
	struct provider_env *e = NULL;
	size_t i;
	unsigned k;

	for (i = 0; i < sizeof(models) / sizeof(models[0]) && strcmp(models[i].key, key) != 0; i++)
		;
	if (i == sizeof(models) / sizeof(models[0]))
		return fail_set(f, FAIL_CONFIG, NULL, "%s is no model", key);
	for (k = 0; k < p->envs; k++)
		if (strcmp(p->env[k].name, models[i].variable) == 0)
			e = &p->env[k];
	if (!e && p->envs == PROVIDER_ENV_MAX)
		return fail_set(f, FAIL_CONFIG, NULL, "more than %d variables in all", PROVIDER_ENV_MAX);
	if (!e)
		e = &p->env[p->envs++];
	snprintf(e->name, sizeof(e->name), "%s", models[i].variable);
	snprintf(e->value, sizeof(e->value), "%s", value);
	e->from = "project";
	if (i == 0 || (strcmp(key, "opus") == 0 && !p->model[0]))
		snprintf(p->model, sizeof(p->model), "%s", value);
	return 0;
}
