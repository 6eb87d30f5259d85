/*
 * config/provider/auth.c - the kinds of credential.
 */
#include "config/provider/auth.h"

#include <string.h>
#include <strings.h>

#include "config/ini/nearest.h"

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

static const char *const auth_names[] = { "bearer",  "api-key", "oauth", "none",
					  "foundry", "bedrock", "vertex" };

/*
 * In the order of enum auth.  An API key goes by descriptor: with ANTHROPIC_API_KEY
 * Claude Code asks a question on the screen that shows the key's end, and writes
 * that into ~/.claude.json.
 */
static const char *const auth_variables[] = { "ANTHROPIC_AUTH_TOKEN",
					      "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
					      "CLAUDE_CODE_OAUTH_TOKEN",
					      NULL,
					      "ANTHROPIC_FOUNDRY_API_KEY",
					      NULL,
					      NULL };

const char *auth_name(enum auth auth)
{
	return auth_names[auth];
}

int auth_from_name(const char *name, enum auth *out, const char **near)
{
	unsigned i;

	for (i = 0; i < COUNT(auth_names) && strcmp(auth_names[i], name) != 0; i++)
		;
	if (i == COUNT(auth_names)) {
		*near = nearest_word(name, auth_names, COUNT(auth_names));
		return -1;
	}
	*out = (enum auth)i;
	return 0;
}

const char *auth_variable(enum auth auth)
{
	return auth_variables[auth];
}

bool auth_looks_like_key(const char *value)
{
	return strncmp(value, "sk-", 3) == 0 || strncasecmp(value, "bearer ", 7) == 0 ||
	       strncmp(value, "ABSK", 4) == 0;
}
