/*
 * config/provider/auth.c - the kinds of credential.
 */
#include "config/provider/auth.h"

#include <string.h>
#include <strings.h>

#include "config/ini/nearest.h"

#define AUTH_PARAMETERS 3
/* of ASCII, in every locale */
static const char alphanumeric[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

/* clang-format off */

/*
 * An API key goes by descriptor: with ANTHROPIC_API_KEY Claude Code asks a question on
 * the screen that shows the key's end, and writes that into ~/.claude.json.
 *
 * What the client sends was seen at a loopback endpoint with Claude Code 2.1.330
 * (2026-11-29): relayed is the variable whose value went out as the one credential of a
 * request, and that a relay can put there instead.
 */
static const struct auth_kind {
	const char *name;
	const char *variable; /* for `secret`; NULL: [secrets] names them */
	const char *relayed;  /* NULL: no relay */
	struct auth_client client;
	struct auth_parameter parameter[AUTH_PARAMETERS];
} kinds[] = {
	[AUTH_BEARER] = { "bearer", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN",
		{ NULL, "ANTHROPIC_BASE_URL", NULL, NULL }, { { NULL, NULL, false } } },
	[AUTH_API_KEY] = { "api-key", "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
		"CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
		{ NULL, "ANTHROPIC_BASE_URL", NULL, NULL }, { { NULL, NULL, false } } },
	[AUTH_OAUTH] = { "oauth", "CLAUDE_CODE_OAUTH_TOKEN", NULL,
		{ NULL, "ANTHROPIC_BASE_URL", NULL, NULL }, { { NULL, NULL, false } } },
	[AUTH_NONE] = { "none", NULL, NULL,
		{ NULL, "ANTHROPIC_BASE_URL", NULL, NULL }, { { NULL, NULL, false } } },
	[AUTH_FOUNDRY] = { "foundry", "ANTHROPIC_FOUNDRY_API_KEY", "ANTHROPIC_FOUNDRY_API_KEY",
		{ "CLAUDE_CODE_USE_FOUNDRY", "ANTHROPIC_FOUNDRY_BASE_URL",
		  "CLAUDE_CODE_SKIP_FOUNDRY_AUTH", "foundry" },
		{ { "resource", "ANTHROPIC_FOUNDRY_RESOURCE", true } } },
	[AUTH_FOUNDRY_TOKEN] = { "foundry-token", "ANTHROPIC_FOUNDRY_AUTH_TOKEN",
		"ANTHROPIC_FOUNDRY_AUTH_TOKEN",
		{ "CLAUDE_CODE_USE_FOUNDRY", "ANTHROPIC_FOUNDRY_BASE_URL",
		  "CLAUDE_CODE_SKIP_FOUNDRY_AUTH", "foundry" },
		{ { "resource", "ANTHROPIC_FOUNDRY_RESOURCE", true } } },
	[AUTH_BEDROCK] = { "bedrock", NULL, "AWS_BEARER_TOKEN_BEDROCK",
		{ "CLAUDE_CODE_USE_BEDROCK", "ANTHROPIC_BEDROCK_BASE_URL",
		  "CLAUDE_CODE_SKIP_BEDROCK_AUTH", "bedrock" },
		{ { "region", "AWS_REGION", false } } },
	[AUTH_MANTLE] = { "mantle", NULL, "AWS_BEARER_TOKEN_BEDROCK",
		{ "CLAUDE_CODE_USE_MANTLE", "ANTHROPIC_BEDROCK_MANTLE_BASE_URL",
		  "CLAUDE_CODE_SKIP_MANTLE_AUTH", "mantle" },
		{ { "region", "AWS_REGION", false } } },
	[AUTH_VERTEX] = { "vertex", NULL, NULL,
		{ "CLAUDE_CODE_USE_VERTEX", "ANTHROPIC_VERTEX_BASE_URL",
		  "CLAUDE_CODE_SKIP_VERTEX_AUTH", "vertex" },
		{ { "region", "CLOUD_ML_REGION", false },
		  { "project", "ANTHROPIC_VERTEX_PROJECT_ID", false } } },
	[AUTH_CLAUDE_AWS] = { "claude-aws", "ANTHROPIC_AWS_API_KEY", "ANTHROPIC_AWS_API_KEY",
		{ "CLAUDE_CODE_USE_ANTHROPIC_AWS", "ANTHROPIC_AWS_BASE_URL",
		  "CLAUDE_CODE_SKIP_ANTHROPIC_AWS_AUTH", "anthropicAws" },
		{ { "region", "AWS_REGION", false },
		  { "workspace", "ANTHROPIC_AWS_WORKSPACE_ID", false } } },
	[AUTH_CLAUDE_GOOGLE] = { "claude-google", NULL, NULL,
		{ "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD", "ANTHROPIC_GOOGLE_CLOUD_BASE_URL",
		  "CLAUDE_CODE_SKIP_ANTHROPIC_GOOGLE_CLOUD_AUTH", "anthropicGoogleCloud" },
		{ { "region", "ANTHROPIC_GOOGLE_CLOUD_LOCATION", false },
		  { "project", "ANTHROPIC_GOOGLE_CLOUD_PROJECT", false },
		  { "workspace", "ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID", false } } },
	[AUTH_GATEWAY] = { "gateway", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN",
		{ "CLAUDE_CODE_USE_GATEWAY", "ANTHROPIC_BASE_URL", NULL, "gateway" }, { { NULL, NULL, false } } },
};

/* clang-format on */

const char *auth_name(enum auth auth)
{
	return kinds[auth].name;
}

int auth_from_name(const char *name, enum auth *out, const char **near)
{
	const char *names[COUNT(kinds)];
	unsigned i;

	for (i = 0; i < COUNT(kinds); i++) {
		names[i] = kinds[i].name;
		if (strcmp(names[i], name) != 0)
			continue;
		*out = (enum auth)i;
		return 0;
	}
	*near = nearest_word(name, names, COUNT(names));
	return -1;
}

const char *auth_variable(enum auth auth)
{
	return kinds[auth].variable;
}

const struct auth_client *auth_client(enum auth auth)
{
	return &kinds[auth].client;
}

const struct auth_parameter *auth_parameter(enum auth auth, unsigned i)
{
	const struct auth_parameter *p = kinds[auth].parameter;

	return i < AUTH_PARAMETERS && p[i].name ? &p[i] : NULL;
}

bool auth_is_aws(enum auth auth)
{
	return auth == AUTH_BEDROCK || auth == AUTH_MANTLE || auth == AUTH_CLAUDE_AWS;
}

const char *auth_relayed_variable(enum auth auth)
{
	return kinds[auth].relayed;
}

bool auth_has_messages(enum auth auth)
{
	return auth == AUTH_NONE || (kinds[auth].relayed && auth != AUTH_BEDROCK);
}

bool auth_looks_like_key(const char *value)
{
	return strncmp(value, "sk-", 3) == 0 || strncasecmp(value, "bearer ", 7) == 0 ||
	       strncmp(value, "ABSK", 4) == 0;
}

/* As z.ai and zhipu make them: 32 hexadecimal digits, a dot, 16 letters and digits. */
static bool is_key_in_two(const char *value)
{
	size_t n = strspn(value, "0123456789abcdef");

	return n == 32 && value[n] == '.' && strlen(value) == 32 + 1 + 16 &&
	       strspn(value + n + 1, alphanumeric) == 16;
}

/* A JSON Web Token: "eyJ" is how an object begins in base64. */
static bool is_web_token(const char *value)
{
	const char *dot = strchr(value, '.');

	return strncmp(value, "eyJ", 3) == 0 && dot && strchr(dot + 1, '.') && strlen(value) >= 40;
}

/* 32 letters and digits or more in one piece, of both cases, with digits strewn among them:
 * names of that length have separators, and their digits stand together. */
static bool is_random(const char *value)
{
	size_t n = strspn(value, alphanumeric), i, upper = 0, lower = 0, numbers = 0;

	if (n < 32 || value[n])
		return false;
	for (i = 0; i < n; i++) {
		upper += value[i] >= 'A' && value[i] <= 'Z';
		lower += value[i] >= 'a' && value[i] <= 'z';
		numbers += value[i] <= '9' && value[i + 1] > '9';
	}
	return upper >= 4 && lower >= 4 && numbers >= 3;
}

bool auth_looks_like_secret(const char *value)
{
	return auth_looks_like_key(value) || is_key_in_two(value) || is_web_token(value) ||
	       is_random(value);
}
