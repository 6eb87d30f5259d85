/*
 * config/provider/resolve_models.c - [models] as environment variables.
 */
#include "config/provider/resolve_models.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/provider/env_list.h"
#include "config/provider/provider.h"
#include "config/provider/view.h"

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

static bool models_number_ok(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < 10 && s[0] != '0' && strspn(s, "0123456789") == n;
}

int resolve_models(struct provider *p, const struct view *v, struct failure *f)
{
	char value[PROVIDER_VALUE_MAX + 1];
	const struct ini_item *it;
	size_t i;

	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		it = view_get(v, "models", models[i].key, NULL);
		if (!it)
			continue;
		if (env_list_expand(p, it, value, true, f) != 0)
			return -1;
		if (strcmp(models[i].key, "context") == 0 && !models_number_ok(value) &&
		    !strstr(value, "${"))
			return ini_fail(f, it, NULL, "context is a number of tokens");
		if (env_list_add(p, models[i].variable, value, "models", it, f) != 0)
			return -1;
		if ((i == 0 || (strcmp(models[i].key, "opus") == 0 && !p->model[0])) &&
		    !strstr(value, "${") && strlen(value) < sizeof(p->model))
			memcpy(p->model, value, strlen(value) + 1);
	}
	return 0;
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
		return fail_set(f, FAIL_CONFIG, NULL, "more than %d variables in all",
				PROVIDER_ENV_MAX);
	if (!e)
		e = &p->env[p->envs++];
	snprintf(e->name, sizeof(e->name), "%s", models[i].variable);
	snprintf(e->value, sizeof(e->value), "%s", value);
	e->from = "project";
	if (i == 0 || (strcmp(key, "opus") == 0 && !p->model[0]))
		snprintf(p->model, sizeof(p->model), "%s", value);
	return 0;
}
