/*
 * config/client/settings_variables.c - what Claude Code drops of a settings file's `env`: measured
 * with 2.1.330 (2026-11-29), each name in a file of the person's and in managed settings.
 */
#include "config/client/settings_variables.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* clang-format off */

/* At most one `*` each.  The first that matches counts. */
static const struct { const char *pattern; enum settings_variable kind; } kinds[] = {
	{ "ANTHROPIC_BETAS", SETTING_HEEDED },
	{ "ANTHROPIC_CUSTOM_HEADERS", SETTING_HEADERS },

	/* They choose who judges whether a command may run. */
	{ "CLAUDE_CODE_AUTO_MODE_MODEL", SETTING_DROPPED },
	{ "CLAUDE_CODE_BG_CLASSIFIER_MODEL", SETTING_DROPPED },
	/* A region, where requests go. */
	{ "ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION", SETTING_ROUTE },
	{ "ANTHROPIC_MODEL", SETTING_MODEL },
	{ "ANTHROPIC_DEFAULT_*", SETTING_MODEL },
	{ "ANTHROPIC_SMALL_FAST_MODEL", SETTING_MODEL },
	{ "ANTHROPIC_CUSTOM_MODEL_OPTION*", SETTING_MODEL },
	{ "CLAUDE_CODE_SUBAGENT_MODEL", SETTING_MODEL },
	{ "CLAUDE_CODE_SUBAGENT_MODEL_FORCE", SETTING_MODEL },
	{ "CLAUDE_CODE_WORKFLOW_SUBAGENT_MODEL", SETTING_MODEL },

	{ "HTTPS_PROXY", SETTING_PROXY }, { "https_proxy", SETTING_PROXY },
	{ "HTTP_PROXY", SETTING_PROXY }, { "http_proxy", SETTING_PROXY },
	{ "ALL_PROXY", SETTING_PROXY }, { "all_proxy", SETTING_PROXY },
	{ "NO_PROXY", SETTING_PROXY }, { "no_proxy", SETTING_PROXY },
	{ "NODE_EXTRA_CA_CERTS", SETTING_AUTHORITIES },

	{ "ANTHROPIC_*BASE_URL", SETTING_ROUTE },
	{ "_CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL", SETTING_ROUTE },
	{ "ANTHROPIC_AUTH_TOKEN", SETTING_ROUTE }, { "ANTHROPIC_API_KEY", SETTING_ROUTE },
	{ "ANTHROPIC_FOUNDRY_*", SETTING_ROUTE }, { "ANTHROPIC_AWS_*", SETTING_ROUTE },
	{ "ANTHROPIC_VERTEX_PROJECT_ID", SETTING_ROUTE },
	{ "ANTHROPIC_BEDROCK_SERVICE_TIER", SETTING_DROPPED },
	{ "ANTHROPIC_BEDROCK_REGION_PREFIX", SETTING_ROUTE },
	{ "ANTHROPIC_UNIX_SOCKET", SETTING_ROUTE },
	{ "CLAUDE_CODE_OAUTH_TOKEN", SETTING_ROUTE },
	{ "CLAUDE_CODE_USE_ANTHROPIC_*", SETTING_ROUTE }, { "CLAUDE_CODE_USE_BEDROCK", SETTING_ROUTE },
	{ "CLAUDE_CODE_USE_FOUNDRY", SETTING_ROUTE }, { "CLAUDE_CODE_USE_GATEWAY", SETTING_ROUTE },
	{ "CLAUDE_CODE_USE_MANTLE", SETTING_ROUTE }, { "CLAUDE_CODE_USE_VERTEX", SETTING_ROUTE },
	{ "CLAUDE_CODE_SKIP_*_AUTH", SETTING_ROUTE },
	{ "CLOUD_ML_REGION", SETTING_ROUTE }, { "VERTEX_REGION_CLAUDE_*", SETTING_ROUTE },
	{ "AWS_BEARER_TOKEN_BEDROCK", SETTING_ROUTE },

	{ "AWS_REGION", SETTING_DROPPED }, { "AWS_DEFAULT_REGION", SETTING_DROPPED },
	{ "AWS_PROFILE", SETTING_DROPPED }, { "AWS_CONFIG_FILE", SETTING_DROPPED },
	{ "AWS_SHARED_CREDENTIALS_FILE", SETTING_DROPPED }, { "AWS_ACCESS_KEY_ID", SETTING_DROPPED },
	{ "AWS_SECRET_ACCESS_KEY", SETTING_DROPPED }, { "AWS_SESSION_TOKEN", SETTING_DROPPED },
	{ "AWS_ENDPOINT_URL*", SETTING_DROPPED },
	{ "GOOGLE_APPLICATION_CREDENTIALS", SETTING_DROPPED },
	{ "GOOGLE_CLOUD_*PROJECT", SETTING_DROPPED }, { "GCLOUD_PROJECT", SETTING_DROPPED },
	{ "NODE_TLS_REJECT_UNAUTHORIZED", SETTING_DROPPED },
	{ "SSL_CERT_FILE", SETTING_DROPPED }, { "SSL_CERT_DIR", SETTING_DROPPED },
	{ "CLAUDE_CODE_CERT_STORE", SETTING_DROPPED }, { "CLAUDE_CODE_CLIENT_*", SETTING_DROPPED },
	{ "CURL_CA_BUNDLE", SETTING_DROPPED }, { "REQUESTS_CA_BUNDLE", SETTING_DROPPED },
	{ "AWS_CA_BUNDLE", SETTING_DROPPED }, { "GIT_SSL_*", SETTING_DROPPED },
	{ "AWS_ROLE_ARN", SETTING_DROPPED }, { "YARN_HTTP*_PROXY", SETTING_DROPPED },
	{ "CLAUDE_CODE_HTTP*_PROXY", SETTING_DROPPED },
	{ "NPM_CONFIG_*PROXY", SETTING_DROPPED }, { "CLAUDE_CODE_PROXY_RESOLVES_HOSTS", SETTING_DROPPED },
	{ "CLAUDE_CODE_DISABLE_FEATURE_FLAGS", SETTING_DROPPED }, { "DISABLE_GROWTHBOOK", SETTING_DROPPED },
};

/* clang-format on */

static bool pattern_match(const char *pattern, const char *name)
{
	const char *star = strchr(pattern, '*');
	size_t before = star ? (size_t)(star - pattern) : 0, after, n = strlen(name);

	if (!star)
		return strcmp(pattern, name) == 0;
	after = strlen(star + 1);
	return n >= before + after && strncmp(pattern, name, before) == 0 &&
	       strcmp(star + 1, name + n - after) == 0;
}

enum settings_variable settings_variable_kind(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (pattern_match(kinds[i].pattern, name))
			return kinds[i].kind;
	return SETTING_HEEDED;
}
