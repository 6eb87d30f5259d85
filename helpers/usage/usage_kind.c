/*
 * helpers/usage/usage_kind.c - the kinds of quota: how one is asked for, and read.
 */
#include "helpers/usage/usage_kind.h"

#include <string.h>

#include "wire/usage_place.h"

static struct usage_kind kinds[] = {
	{ .name = "openrouter", .parse = answer_openrouter },
	{ .name = "zai", .parse = answer_zai },
	{ .name = "deepseek", .parse = answer_deepseek },
	{ .name = "moonshot", .parse = answer_moonshot },
	{ .name = "minimax", .parse = answer_minimax },
	{ .name = "siliconflow", .parse = answer_siliconflow },
	/* This server answers 429 for long periods, so wait at least five minutes. */
	{ .name = "anthropic",
	  .header = "anthropic-beta: oauth-2025-04-20",
	  .least = 300,
	  .parse = answer_anthropic },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct usage_kind *usage_kind_find(const char *name)
{
	unsigned i;

	for (i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0) {
			kinds[i].place = usage_place_find(name);
			return kinds[i].place ? &kinds[i] : NULL;
		}
	return NULL;
}

const char *usage_kind_name(unsigned i)
{
	return i < KINDS ? kinds[i].name : NULL;
}
