/*
 * import/provider_settings.c - models, times and switches beside a token, which go
 * into the provider's file.
 */
#include "import/provider_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/provider/auth.h"
#include "config/provider/environment.h"
#include "config/provider/resolve_models.h"
#include "config/provider/variables.h"
#include "import/variables.h"

static bool name_starts(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* Does it belong in a provider's file, as a model or in [env]? */
static bool variable_belongs_in_provider(const char *name)
{
	if (models_key_of(name))
		return true;
	if (variable_refusal_hint(name) || variable_is_secret(name))
		return false;
	return name_starts(name, "CLAUDE_CODE_") || name_starts(name, "ANTHROPIC_") ||
	       name_starts(name, "DISABLE_") || strcmp(name, "API_TIMEOUT_MS") == 0 ||
	       strcmp(name, "MAX_THINKING_TOKENS") == 0 ||
	       strcmp(name, "ENABLE_TOOL_SEARCH") == 0 || strcmp(name, "MCP_TIMEOUT") == 0 ||
	       strcmp(name, "MCP_TOOL_TIMEOUT") == 0;
}

/*
 * What a provider's file has a place for, and an import does not know how to write: headers may
 * hold secrets, a region belongs to a model's name of the file's own.
 */
static bool variable_is_left(const char *name)
{
	static const char *const names[] = {
		"ANTHROPIC_CUSTOM_HEADERS",	   "ANTHROPIC_BETAS",
		"ANTHROPIC_BEDROCK_REGION_PREFIX", "ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION",
		"ANTHROPIC_BEDROCK_SERVICE_TIER",  "CLAUDE_CONFIG_DIR",
	};
	unsigned i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return name_starts(name, "VERTEX_REGION_CLAUDE_");
}

static void setting_leave(struct provider_settings *l, const char *name)
{
	unsigned i;

	for (i = 0; i < l->lefts; i++)
		if (strcmp(l->left[i], name) == 0)
			return;
	if (l->lefts < SETTINGS_LEFT_MAX)
		snprintf(l->left[l->lefts++], sizeof(l->left[0]), "%s", name);
}

/* Can a line of a provider's file hold it as it is?  No key, whatever its name. */
static bool value_fits_ini_line(const char *value)
{
	size_t n = strlen(value);

	return n > 0 && value[0] != ' ' && value[n - 1] != ' ' && !strstr(value, "${") &&
	       !strchr(value, ';') && !auth_looks_like_key(value);
}

int provider_settings_gather(const struct import *im, unsigned file, unsigned scope,
			     const char *mode, struct provider_settings *l, struct failure *f)
{
	const struct assignments *r = &im->file[file].parsed;
	const struct assignment *a;
	char value[SETTING_VALUE_MAX + 1];
	unsigned i, k;

	l->set = calloc(PROVIDER_SETTINGS_MAX, sizeof(*l->set));
	if (!l->set)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	for (i = 0; i < r->n && l->n < PROVIDER_SETTINGS_MAX; i++) {
		a = &r->assign[i];
		if (!(variable_belongs_in_provider(a->name) || variable_is_left(a->name)) ||
		    (mode && strcmp(r->scope[a->scope].mode, mode) != 0))
			continue;
		if (!mode && variable_visible(im, file, scope, a->name) != a)
			continue;
		variable_text(im, file, a, value);
		if (variable_is_left(a->name) || (value[0] && !value_fits_ini_line(value))) {
			setting_leave(l, a->name);
			continue;
		}
		if (!value[0])
			continue;
		for (k = 0; k < l->n && strcmp(l->set[k].name, a->name) != 0; k++)
			;
		memcpy(l->set[k].name, a->name, sizeof(a->name));
		memcpy(l->set[k].value, value, sizeof(value));
		l->n += k == l->n;
	}
	return 0;
}

void provider_settings_free(struct provider_settings *l)
{
	free(l->set);
	memset(l, 0, sizeof(*l));
}
