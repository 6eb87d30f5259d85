/*
 * config/provider/resolve_regions.c - [regions].
 */
#include "config/provider/resolve_regions.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/ini/keywords.h"
#include "config/provider/auth.h"
#include "config/provider/env_list.h"
#include "config/provider/provider.h"
#include "config/provider/view.h"
#include "wire/names.h"

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))
#define REGIONS_MAX 32
#define VERTEX_PREFIX "VERTEX_REGION_CLAUDE_"

/* The client's own table (Claude Code 2.1.330, 2026-11-29).  For a model that came later the
 * variable itself is a key. */
static const struct {
	const char *model, *variable;
} vertex[] = {
	{ "claude-3-5-haiku", VERTEX_PREFIX "3_5_HAIKU" },
	{ "claude-3-5-sonnet", VERTEX_PREFIX "3_5_SONNET" },
	{ "claude-3-7-sonnet", VERTEX_PREFIX "3_7_SONNET" },
	{ "claude-fable-5", VERTEX_PREFIX "FABLE_5" },
	{ "claude-fable-5-1", VERTEX_PREFIX "FABLE_5_1" },
	{ "claude-fable-5-2", VERTEX_PREFIX "FABLE_5_2" },
	{ "claude-haiku-4-5", VERTEX_PREFIX "HAIKU_4_5" },
	{ "claude-haiku-5-5", VERTEX_PREFIX "HAIKU_5_5" },
	{ "claude-opus-4", VERTEX_PREFIX "4_0_OPUS" },
	{ "claude-opus-4-1", VERTEX_PREFIX "4_1_OPUS" },
	{ "claude-opus-4-5", VERTEX_PREFIX "4_5_OPUS" },
	{ "claude-opus-4-6", VERTEX_PREFIX "4_6_OPUS" },
	{ "claude-opus-4-7", VERTEX_PREFIX "4_7_OPUS" },
	{ "claude-opus-4-8", VERTEX_PREFIX "4_8_OPUS" },
	{ "claude-opus-5", VERTEX_PREFIX "5_OPUS" },
	{ "claude-opus-5-5", VERTEX_PREFIX "5_5_OPUS" },
	{ "claude-sonnet-4", VERTEX_PREFIX "4_0_SONNET" },
	{ "claude-sonnet-4-5", VERTEX_PREFIX "4_5_SONNET" },
	{ "claude-sonnet-4-6", VERTEX_PREFIX "4_6_SONNET" },
	{ "claude-sonnet-5", VERTEX_PREFIX "5_SONNET" },
	{ "claude-sonnet-5-5", VERTEX_PREFIX "5_5_SONNET" },
};

/* Bedrock's: of the small model, and the first word of the names of inference profiles. */
static const struct {
	const char *key, *variable;
} bedrock[] = {
	{ "small", "ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION" },
	{ "prefix", "ANTHROPIC_BEDROCK_REGION_PREFIX" },
};

static const char *vertex_variable(const char *key)
{
	unsigned i;

	if (strncmp(key, VERTEX_PREFIX, strlen(VERTEX_PREFIX)) == 0 && wire_variable_ok(key))
		return key;
	for (i = 0; i < COUNT(vertex); i++)
		if (strcmp(vertex[i].model, key) == 0)
			return vertex[i].variable;
	return NULL;
}

static const char *bedrock_variable(const char *key)
{
	unsigned i;

	for (i = 0; i < COUNT(bedrock); i++)
		if (strcmp(bedrock[i].key, key) == 0)
			return bedrock[i].variable;
	return NULL;
}

int regions_check_key(const struct ini_item *it, struct failure *f)
{
	const char *known[COUNT(vertex) + COUNT(bedrock)];
	unsigned i;

	if (vertex_variable(it->key) || bedrock_variable(it->key))
		return 0;
	for (i = 0; i < COUNT(vertex); i++)
		known[i] = vertex[i].model;
	for (i = 0; i < COUNT(bedrock); i++)
		known[COUNT(vertex) + i] = bedrock[i].key;
	return keywords_fail_unknown(it, "model", it->key, known, COUNT(known), f);
}

bool region_ok(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n < 64 && text[n] == '\0' && text[0] != '-' && text[n - 1] != '-';
}

static int region_add(struct provider *p, const struct ini_item *it, struct failure *f)
{
	const char *variable = vertex_variable(it->key);
	char value[PROVIDER_VALUE_MAX + 1];

	if (variable && p->auth != AUTH_VERTEX)
		return ini_fail(f, it, NULL, "the region of %s goes with auth = vertex", it->key);
	if (!variable && p->auth != AUTH_BEDROCK)
		return ini_fail(f, it, NULL, "%s goes with auth = bedrock", it->key);
	if (!variable)
		variable = bedrock_variable(it->key);
	if (env_list_expand(p, it, value, true, f) != 0)
		return -1;
	if (!region_ok(value) && !strstr(value, "${"))
		return ini_fail(f, it, NULL, "%s: not a region", it->key);
	if (p->secrets && strcmp(it->key, "small") == 0 && !p->note[0])
		snprintf(p->note, sizeof(p->note),
			 "[regions] small: a relay sends to the sealed region alone");
	return env_list_add(p, variable, value, "regions", it, f);
}

int resolve_regions(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *items[REGIONS_MAX];
	int i, n = view_items(v, 0, "regions", items, REGIONS_MAX, f);

	for (i = 0; i < n; i++)
		if (items[i]->value[0] && region_add(p, items[i], f) != 0)
			return -1;
	return n < 0 ? -1 : 0;
}
