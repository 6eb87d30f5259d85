/*
 * config/provider/own_variables.c - what a person's own environment says.
 */
#include "config/provider/own_variables.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/provider/auth.h"
#include "config/provider/provider.h"
#include "config/provider/resolve_regions.h"
#include "config/provider/variables.h"

#define NAME_SIZE 128 /* longer names are none of these */

/* For whom a value passes. */
enum passing {
	PASSES_NEVER,
	PASSES_BETAS,
	PASSES_SWITCH,
	PASSES_VERTEX,
	PASSES_BEDROCK,
	PASSES_BEDROCK_CHAIN
};

/* The first that matches counts. */
static const struct own {
	const char *name, *place;
	enum passing passing;
} own[] = {
	{ "ANTHROPIC_BETAS", "[betas]", PASSES_BETAS },
	{ "ANTHROPIC_CUSTOM_HEADERS", "[headers]", PASSES_NEVER },
	{ "VERTEX_REGION_CLAUDE_*", "[regions]", PASSES_VERTEX },
	{ "ANTHROPIC_BEDROCK_REGION_PREFIX", "[regions]", PASSES_BEDROCK },
	/* With a key of the vault's it would name another host than the sealed one. */
	{ "ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION", "[regions]", PASSES_BEDROCK_CHAIN },
	{ "ANTHROPIC_BEDROCK_SERVICE_TIER", "[models]", PASSES_BEDROCK },
	{ "CLAUDE_CODE_SUBAGENT_MODEL_FORCE", "[models]", PASSES_SWITCH },
	{ "ANTHROPIC_MODEL", "[models]", PASSES_NEVER },
	{ "ANTHROPIC_DEFAULT_*", "[models]", PASSES_NEVER },
	{ "ANTHROPIC_SMALL_FAST_MODEL", "[models]", PASSES_NEVER },
	{ "ANTHROPIC_CUSTOM_MODEL_OPTION*", "[models]", PASSES_NEVER },
	{ "CLAUDE_CODE_SUBAGENT_MODEL", "[models]", PASSES_NEVER },
	{ "CLAUDE_CODE_WORKFLOW_SUBAGENT_MODEL", "[models]", PASSES_NEVER },
	{ "CLAUDE_CODE_AUTO_MODE_MODEL", "[models]", PASSES_NEVER },
	{ "CLAUDE_CODE_BG_CLASSIFIER_MODEL", "[models]", PASSES_NEVER },
	{ "CLAUDE_CODE_MAX_CONTEXT_TOKENS", "[models]", PASSES_NEVER },
};

static const struct own *own_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (variable_matches(own[i].name, name))
			return &own[i];
	return NULL;
}

/* Names of betas: a value that a header can hold, and nothing else. */
static bool is_betas(const char *value)
{
	size_t n = strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789-_., ");

	return n > 0 && n <= PROVIDER_VALUE_MAX && value[n] == '\0';
}

static bool own_passes(const struct own *o, const struct provider *p, const char *value)
{
	switch (o->passing) {
	case PASSES_NEVER:
		break;
	case PASSES_BETAS:
		return is_betas(value);
	case PASSES_SWITCH:
		return region_ok(value);
	case PASSES_VERTEX:
		return p->auth == AUTH_VERTEX && region_ok(value);
	case PASSES_BEDROCK:
		return p->auth == AUTH_BEDROCK && region_ok(value);
	case PASSES_BEDROCK_CHAIN:
		return p->auth == AUTH_BEDROCK && p->secrets == 0 && region_ok(value);
	}
	return false;
}

bool own_variable_passes(const struct provider *p, const char *name, const char *value)
{
	const struct own *o = own_find(name);

	return o && own_passes(o, p, value);
}

/* What the provider sets this variable to, or NULL. */
static const char *provider_value(const struct provider *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->envs; i++)
		if (strcmp(p->env[i].name, name) == 0)
			return p->env[i].value;
	return NULL;
}

/* Append a word to a list, once.  False: there is no room. */
static bool list_add(char list[OWN_NAMES_SIZE], const char *word)
{
	size_t n = strlen(list), len = strlen(word);
	const char *s;

	for (s = list; (s = strstr(s, word)); s += len)
		if ((s == list || s[-1] == ' ') && (!s[len] || s[len] == ','))
			return true;
	if (n + len + 3 > OWN_NAMES_SIZE)
		return false;
	snprintf(list + n, OWN_NAMES_SIZE - n, "%s%s", n ? ", " : "", word);
	return true;
}

void own_variables_find(const struct provider *p, char *const *environ_in,
			struct own_variables *out)
{
	const char *equals, *set;
	char name[NAME_SIZE];
	const struct own *o;

	memset(out, 0, sizeof(*out));
	for (; *environ_in; environ_in++) {
		equals = strchr(*environ_in, '=');
		if (!equals || !equals[1] || equals - *environ_in >= NAME_SIZE)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(equals - *environ_in), *environ_in);
		o = own_find(name);
		if (!o)
			continue;
		set = provider_value(p, name);
		if (set ? strcmp(set, equals + 1) == 0 : own_passes(o, p, equals + 1))
			continue;
		/* Of one with a * anything can follow. */
		fail_sanitize(name);
		if (list_add(out->names, name))
			list_add(out->places, o->place);
		else
			out->more = true;
	}
}
