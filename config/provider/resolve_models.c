/*
 * config/provider/resolve_models.c - [models] as environment variables.
 */
#include "config/provider/resolve_models.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/ini/keywords.h"
#include "config/provider/env_list.h"
#include "config/provider/provider.h"
#include "config/provider/view.h"

enum model_kind { MODEL, TOKENS, TEXT, WORDS, SWITCH };

#define TIER(key, NAME)                                                                      \
	{ key, "ANTHROPIC_" NAME, MODEL }, { key "_name", "ANTHROPIC_" NAME "_NAME", TEXT }, \
		{ key "_description", "ANTHROPIC_" NAME "_DESCRIPTION", TEXT },              \
	{                                                                                    \
		key "_capabilities", "ANTHROPIC_" NAME "_SUPPORTED_CAPABILITIES", WORDS      \
	}

static const struct {
	const char *key, *variable;
	enum model_kind kind;
} models[] = {
	{ "default", "ANTHROPIC_MODEL", MODEL },
	{ "initial", "ANTHROPIC_DEFAULT_MODEL", MODEL },
	TIER("fable", "DEFAULT_FABLE_MODEL"),
	TIER("opus", "DEFAULT_OPUS_MODEL"),
	TIER("sonnet", "DEFAULT_SONNET_MODEL"),
	TIER("haiku", "DEFAULT_HAIKU_MODEL"),
	TIER("option", "CUSTOM_MODEL_OPTION"),
	{ "subagent", "CLAUDE_CODE_SUBAGENT_MODEL", MODEL },
	{ "subagent_force", "CLAUDE_CODE_SUBAGENT_MODEL_FORCE", SWITCH },
	{ "workflow", "CLAUDE_CODE_WORKFLOW_SUBAGENT_MODEL", MODEL },
	{ "auto_mode", "CLAUDE_CODE_AUTO_MODE_MODEL", MODEL },
	{ "background", "CLAUDE_CODE_BG_CLASSIFIER_MODEL", MODEL },
	{ "context", "CLAUDE_CODE_MAX_CONTEXT_TOKENS", TOKENS },
	{ "service_tier", "ANTHROPIC_BEDROCK_SERVICE_TIER", WORDS },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool models_number_ok(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < 10 && s[0] != '0' && strspn(s, "0123456789") == n;
}

int models_check_key(const struct ini_item *it, bool names_model, struct failure *f)
{
	const char *known[COUNT(models)];
	unsigned n = 0;
	size_t i;

	for (i = 0; i < COUNT(models); i++) {
		if (names_model && models[i].kind != MODEL && models[i].kind != TOKENS)
			continue;
		known[n++] = models[i].key;
		if (strcmp(models[i].key, it->key) == 0)
			return 0;
	}
	return keywords_fail_unknown(it, "key", it->key, known, n, f);
}

const char *models_key_of(const char *variable)
{
	size_t i;

	if (strcmp(variable, "ANTHROPIC_SMALL_FAST_MODEL") == 0)
		return "haiku";
	for (i = 0; i < COUNT(models); i++)
		if (strcmp(models[i].variable, variable) == 0 && models[i].kind != SWITCH &&
		    strcmp(models[i].key, "service_tier") != 0)
			return models[i].key;
	return NULL;
}

/* What a value of that kind may be.  0 or -1. */
static int models_check_value(const struct provider *p, enum model_kind kind,
			      const struct ini_item *it, const char *value, struct failure *f)
{
	if (strstr(value, "${"))
		return 0;
	if (kind == TOKENS && !models_number_ok(value))
		return ini_fail(f, it, NULL, "context is a number of tokens");
	if (kind == SWITCH && strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return ini_fail(f, it, NULL, "%s is yes or no", it->key);
	if (strcmp(it->key, "service_tier") == 0 && p->auth != AUTH_BEDROCK)
		return ini_fail(f, it, NULL, "service_tier goes with auth = bedrock");
	return 0;
}

int resolve_models(struct provider *p, const struct view *v, struct failure *f)
{
	char value[PROVIDER_VALUE_MAX + 1];
	const struct ini_item *it;
	size_t i;

	for (i = 0; i < COUNT(models); i++) {
		it = view_get(v, "models", models[i].key, NULL);
		if (!it)
			continue;
		if (env_list_expand(p, it, value, models[i].kind != TEXT, f) != 0 ||
		    models_check_value(p, models[i].kind, it, value, f) != 0)
			return -1;
		if (models[i].kind == SWITCH && strcmp(value, "no") == 0)
			continue;
		if (env_list_add(p, models[i].variable, models[i].kind == SWITCH ? "1" : value,
				 "models", it, f) != 0)
			return -1;
		if ((i == 0 || ((strcmp(models[i].key, "initial") == 0 ||
				 strcmp(models[i].key, "opus") == 0) &&
				!p->model[0])) &&
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

	for (i = 0; i < COUNT(models) && strcmp(models[i].key, key) != 0; i++)
		;
	if (i == COUNT(models))
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
