/*
 * config/provider/variables.c - environment variables that matter, in tables: each
 * group with its reason.  Names from Claude Code's documentation and from the
 * strings of Claude Code 2.1.330 (2026-11-22).
 */
#include "config/provider/variables.h"

#include <string.h>

#include "config/provider/manager_variables.h"

/* clang-format off */

/* Where Claude Code sends requests, and as whom. */
static const char *const routes[] = {
	/* endpoints, credentials, headers, models, sockets, identity federation */
	"ANTHROPIC_*", "_CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL", "CLAUDE_API_KEY",
	/* which cloud, and whether to authenticate there */
	"CLAUDE_CODE_USE_*", "CLAUDE_CODE_SKIP_*_AUTH", "CLOUD_ML_REGION", "VERTEX_REGION_*",
	"AWS_BEARER_TOKEN_BEDROCK",
	/* credentials: in a variable, by descriptor, by file, from a parent program */
	"CLAUDE_CODE_OAUTH_*", "CLAUDE_CODE_API_KEY_*", "CLAUDE_CODE_GATEWAY_TOKEN*",
	"CLAUDE_CODE_GATEWAY_HINT_HEADERS", "CLAUDE_CODE_HOST_AUTH_*",
	"CLAUDE_CODE_HOST_CREDS_FILE", "CLAUDE_CODE_LAUNCHER_RUNS_API_KEY_HELPER",
	"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "CLAUDE_CODE_SDK_HAS_*",
	"CLAUDE_CODE_SESSION_ACCESS_TOKEN", "CLAUDE_CODE_SESSIONS_OAUTH_TOKEN",
	"CLAUDE_CODE_HFI_BEARER_TOKEN", "CLAUDE_CODE_WEBSOCKET_AUTH_FILE_DESCRIPTOR",
	"CLAUDE_SESSION_INGRESS_TOKEN_FILE", "CLAUDE_TRUSTED_DEVICE_TOKEN",
	"CLAUDE_CODE_MESSAGING_SOCKET", "CLAUDE_CODE_MESSAGING_TOKEN",
	"CLAUDE_CODE_MCP_SERVE_AUTH_TOKEN", "CLAUDE_CODE_SLACK_TAG_TOKEN",
	"AGENT_PROXY_AUTH_TOKEN", "CCR_AGENT_PROXY_*", "CLAUDE_CODE_AGENT_PROXY_*",
	/* what Claude Code passes to its own background processes, not to a new start */
	"CLAUDE_BG_*",
	/* other services of the vendor that get the same login */
	"CLAUDE_CODE_API_BASE_URL", "CLAUDE_CODE_GB_BASE_URL", "CLAUDE_CODE_REMOTE_SDK_URL",
	"CLAUDE_CODE_ARTIFACT*_BASE_URL", "CLAUDE_CODE_ARTIFACTS_API_TOKEN",
	"CLAUDE_CODE_MEMORY_API_*", "CLAUDE_CODE_CLIENT_DATA_URL", "CLAUDE_CODE_MODEL_CATALOG_URL",
	"CLAUDE_CODE_MCP_SERVER_URL", "CLAUDE_BRIDGE_*", "CLAUDE_REMOTE_TOOLS_BRIDGE_URL",
	"CLAUDE_RUNNER_API_BASE_URL", "CLAUDE_CODE_RUNNER_MODEL_SOCKET", "VOICE_STREAM_BASE_URL",
	/* where a login is done */
	"CLAUDE_CODE_CUSTOM_OAUTH_URL", "CLAUDE_LOCAL_OAUTH_*", "CLAUDE_AI_AUTHORIZE_URL",
	"CLAUDE_AI_HOST", "USE_LOCAL_OAUTH", "USE_STAGING_OAUTH",
	/* a proxy of Claude Code alone, which gets its credentials */
	"CLAUDE_CODE_PROXY_URL", "CLAUDE_CODE_PROXY_HOST", "CLAUDE_CODE_PROXY_AUTHENTICATE",
	"CLAUDE_CODE_ENABLE_PROXY_AUTH_HELPER", "CLAUDE_CODE_HOST_HTTP_PROXY_PORT",
	"CLAUDE_CODE_HOST_SOCKS_PROXY_PORT", "CLAUDE_CODE_SIMULATE_PROXY_USAGE",
	/* models: another provider's do not exist at this one */
	"CLAUDE_CODE_SUBAGENT_MODEL*", "CLAUDE_CODE_WORKFLOW_SUBAGENT_MODEL",
	"CLAUDE_CODE_AUTO_MODE_MODEL", "CLAUDE_CODE_BG_CLASSIFIER_MODEL", "CLAUDE_CODE_3P_*",
	"CLAUDE_CODE_MAX_CONTEXT_TOKENS",
	/* the token would go to any server that answers */
	"NODE_TLS_REJECT_UNAUTHORIZED",
	/* ccrun's own, which it sets itself */
	"CCRUN_*",
};

/* They match a pattern above, but do not route. */
static const char *const tuning[] = {
	"CLAUDE_CODE_USE_NATIVE_FILE_SEARCH", "CLAUDE_CODE_USE_POWERSHELL_TOOL",
	"CLAUDE_CODE_USE_COWORK_PLUGINS",
};

/* They make a JavaScript runtime, a shell or libc load code, open a debugger, print memory, or look
 * host names up elsewhere. */
static const char *const runtime[] = {
	"BUN_*", "JSC_*", "NODE_*", "LD_*", "GLIBC_TUNABLES", "GCONV_PATH", "MALLOC_*",
	"SSLKEYLOGFILE", "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES",
	/* where claude is a script of a shell's */
	"BASH_ENV", "ENV", "BASH_FUNC_*", "SHELLOPTS", "BASHOPTS", "PS4",
	/* another host's address for the name in the endpoint (resolver(5), hostname(7)) */
	"HOSTALIASES", "RES_OPTIONS", "LOCALDOMAIN", "RESOLV_*", "CARES_HOSTS",
};

/* They match a pattern above, and do none of that.  All others of node's do, or newer ones may:
 * a cache of compiled code (NODE_COMPILE_CACHE) is run in the place of the program's text. */
static const char *const runtime_harmless[] = {
	"NODE_ENV", "NODE_EXTRA_CA_CERTS", "NODE_TLS_REJECT_UNAUTHORIZED", "NODE_NO_WARNINGS",
	"NODE_DISABLE_COLORS", "NODE_DISABLE_COMPILE_CACHE", "NODE_USE_ENV_PROXY",
	"NODE_USE_SYSTEM_CA",
};

/* Secrets that secret_ends does not tell. */
static const char *const secrets[] = {
	"ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_GATEWAY_HINT_HEADERS", "OTEL_EXPORTER_OTLP_*HEADERS",
	"AWS_ACCESS_KEY_ID", "AWS_BEARER_TOKEN_BEDROCK", "CLAUDE_CODE_OAUTH_TOKEN*",
	"CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR", "CLAUDE_BG_*_AUTH",
};

static const char *const secret_ends[] = {
	"TOKEN", "_KEY", "APIKEY", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL",
	"CREDENTIALS", "_AUTH",
};

/*
 * With CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST set, Claude Code blanks these when it expands
 * a repository's MCP and hook configuration.  All others leak there (each was tried).
 */
static const char *const blanked[] = {
	"ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "AWS_BEARER_TOKEN_BEDROCK",
	"CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR", /* the key itself is in a pipe */
	"ANTHROPIC_FOUNDRY_API_KEY", "ANTHROPIC_FOUNDRY_AUTH_TOKEN", "ANTHROPIC_AWS_API_KEY",
	"CLAUDE_CODE_OAUTH_TOKEN",
};

/* They decide how programs run, and where they find files. */
static const char *const never[] = {
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "IFS", "ENV", "PWD", "TMPDIR", "BASH_*", "XDG_*",
	"LD_*", "BUN_*", "NODE_*", "GIT_*", "PYTHON*", "PERL5*", "DBUS_*", "SSH_*", "CCRUN_*",
	"RUBY*", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "GODEBUG", "OPENSSL_*",
	/* with libc: files that it reads, and names that it looks up elsewhere (ld.so(8)) */
	"LOCPATH", "NLSPATH", "TZDIR", "GETCONF_DIR", "NIS_*", "RES_*", "NSS_*",
	"LOCALE_ARCHIVE*", "TERMINFO*", "TERMCAP",
	/* they name programs or credentials in other files */
	"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "GOOGLE_*_HOST", "CLAUDE_PTY_HOST_EXEC",
};

/* Which credentials the AWS libraries find, and where they send them. */
static const char *const aws[] = {
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
	"AWS_CREDENTIAL_SCOPE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_*", "AWS_AUTH_SCHEME_PREFERENCE",
	"AWS_ENDPOINT_URL*",
};

static const char *const proxies[] = {
	"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy",
	"CLAUDE_CODE_HTTP_PROXY", "CLAUDE_CODE_HTTPS_PROXY",
};

/* How the user's network reaches the endpoint: not for a provider to say. */
static const char *const network[] = {
	"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy",
	"NO_PROXY", "no_proxy", "NPM_CONFIG_*PROXY", "CLAUDE_CODE_HTTP_PROXY",
	"CLAUDE_CODE_HTTPS_PROXY", "CLAUDE_CODE_PROXY_*", "CLAUDE_CODE_CLIENT_CERT",
	"CLAUDE_CODE_CERT_STORE", "SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE",
	"AWS_ENDPOINT_URL*", "AWS_EC2_METADATA_*", "AWS_CONTAINER_*", "GCE_METADATA_*",
	"METADATA_SERVER_DETECTION",
	/* other programs' proxies and certificates: the endpoint's name or key goes there */
	"*_PROXY", "*_proxy", "CURL_*", "NETRC", "REQUESTS_CA_BUNDLE", "GRPC_*",
};

/*
 * Numbers and switches of Claude Code that say how much, how long and what is shown.  Not
 * here: what names a host, a file or a program, what adds to requests
 * (CLAUDE_CODE_EXTRA_BODY), what turns a check or a question off
 * (CLAUDE_CODE_DISABLE_*_PROMPT), telemetry (OTEL_*), and what is not known.
 */
static const char *const harmless[] = {
	"API_TIMEOUT_MS", "MAX_THINKING_TOKENS", "MAX_MCP_OUTPUT_TOKENS", "MCP_TIMEOUT",
	"MCP_TOOL_TIMEOUT", "CLAUDE_AUTOCOMPACT_PCT_OVERRIDE", "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS",
	"CLAUDE_SLOW_FIRST_BYTE_MS", "CLAUDE_STREAM_IDLE_TIMEOUT_MS",
	"CLAUDE_CODE_ALWAYS_ENABLE_EFFORT", "CLAUDE_CODE_ATTRIBUTION_HEADER",
	"CLAUDE_CODE_AUTO_COMPACT_WINDOW", "CLAUDE_CODE_BLOCKING_LIMIT_OVERRIDE",
	"CLAUDE_CODE_EFFORT_LEVEL", "CLAUDE_CODE_ENABLE_AWAY_SUMMARY",
	"CLAUDE_CODE_ENABLE_FINE_GRAINED_TOOL_STREAMING", "CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION",
	"CLAUDE_CODE_FILE_READ_MAX_OUTPUT_TOKENS", "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
	"CLAUDE_CODE_MAX_RETRIES", "CLAUDE_CODE_MAX_TURNS",
	"CLAUDE_CODE_DISABLE_1M_CONTEXT", "CLAUDE_CODE_DISABLE_ADAPTIVE_THINKING",
	"CLAUDE_CODE_DISABLE_AGENT_PROGRESS_SUMMARIES", "CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN",
	"CLAUDE_CODE_DISABLE_ATTACHMENTS", "CLAUDE_CODE_DISABLE_AUTO_MEMORY",
	"CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS",
	"CLAUDE_CODE_DISABLE_FAST_MODE", "CLAUDE_CODE_DISABLE_FEEDBACK_SURVEY",
	"CLAUDE_CODE_DISABLE_FILE_CHECKPOINTING", "CLAUDE_CODE_DISABLE_LEGACY_MODEL_REMAP",
	"CLAUDE_CODE_DISABLE_MOUSE", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "CLAUDE_CODE_DISABLE_STRUCTURED_OUTPUTS",
	"CLAUDE_CODE_DISABLE_TERMINAL_TITLE", "CLAUDE_CODE_DISABLE_THINKING",
	"CLAUDE_CODE_DISABLE_ULTRATHINK", "CLAUDE_CODE_DISABLE_VIRTUAL_SCROLL",
	"CLAUDE_CODE_DISABLE_WEB_FETCH",
	"DISABLE_AUTOUPDATER", "DISABLE_AUTO_COMPACT", "DISABLE_BUG_COMMAND", "DISABLE_COMPACT",
	"DISABLE_COST_WARNINGS", "DISABLE_ERROR_REPORTING", "DISABLE_FEEDBACK_COMMAND",
	"DISABLE_INTERLEAVED_THINKING", "DISABLE_MICROCOMPACT",
	"DISABLE_NON_ESSENTIAL_MODEL_CALLS", "DISABLE_PROMPT_CACHING*", "DISABLE_TELEMETRY",
	"DO_NOT_TRACK", "ENABLE_TOOL_SEARCH",
};

/* Hints for variables that guides tell people to set. */
static const struct { const char *name, *hint; } instead[] = {
	{ "ANTHROPIC_*BASE_URL", "write base_url = in [provider]" },
	{ "ANTHROPIC_CUSTOM_HEADERS", "write NAME = VALUE in [headers], or header:NAME = ENTRY in [secrets] for a key of the vault" },
	{ "ANTHROPIC_BETAS", "write NAME = yes in [betas]" },
	{ "ANTHROPIC_DEFAULT_MODEL", "write initial = in [models]" },
	{ "ANTHROPIC_*_MODEL_NAME", "write TIER_name = in [models], as in opus_name" },
	{ "ANTHROPIC_*_MODEL_DESCRIPTION", "write TIER_description = in [models], as in opus_description" },
	{ "ANTHROPIC_*_MODEL_SUPPORTED_CAPABILITIES", "write TIER_capabilities = in [models], as in opus_capabilities" },
	{ "ANTHROPIC_CUSTOM_MODEL_OPTION", "write option = in [models]" },
	{ "ANTHROPIC_CUSTOM_MODEL_OPTION_*", "write option_name, option_description, option_capabilities = in [models]" },
	{ "ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION", "write small = in [regions]" },
	{ "ANTHROPIC_BEDROCK_REGION_PREFIX", "write prefix = in [regions]" },
	{ "ANTHROPIC_BEDROCK_SERVICE_TIER", "write service_tier = in [models]" },
	{ "VERTEX_REGION_CLAUDE_*", "write MODEL = REGION in [regions]" },
	{ "CLAUDE_CODE_SUBAGENT_MODEL_FORCE", "write subagent_force = yes in [models]" },
	{ "CLAUDE_CODE_WORKFLOW_SUBAGENT_MODEL", "write workflow = in [models]" },
	{ "CLAUDE_CODE_AUTO_MODE_MODEL", "write auto_mode = in [models]" },
	{ "CLAUDE_CODE_BG_CLASSIFIER_MODEL", "write background = in [models]" },
	{ "ANTHROPIC_API_KEY", "write auth = api-key in [provider] and store the key with ccctl add" },
	{ "ANTHROPIC_AUTH_TOKEN", "write auth = bearer in [provider] and store the key with ccctl add" },
	{ "CLAUDE_CODE_OAUTH_TOKEN", "write auth = oauth in [provider] and store the token with ccctl add" },
	{ "ANTHROPIC_FOUNDRY_API_KEY", "write auth = foundry in [provider] and store the key with ccctl add" },
	{ "ANTHROPIC_FOUNDRY_AUTH_TOKEN", "write auth = foundry-token in [provider] and store the token with ccctl add" },
	{ "ANTHROPIC_AWS_API_KEY", "write auth = claude-aws in [provider] and store the key with ccctl add" },
	{ "ANTHROPIC_FOUNDRY_RESOURCE", "write auth = foundry in [provider] and resource = in [parameters]" },
	{ "AWS_BEARER_TOKEN_BEDROCK", "write AWS_BEARER_TOKEN_BEDROCK = ENTRY in [secrets]" },
	{ "ANTHROPIC_MODEL", "write default = in [models]" },
	{ "ANTHROPIC_DEFAULT_FABLE_MODEL", "write fable = in [models]" },
	{ "ANTHROPIC_DEFAULT_OPUS_MODEL", "write opus = in [models]" },
	{ "ANTHROPIC_DEFAULT_SONNET_MODEL", "write sonnet = in [models]" },
	{ "ANTHROPIC_DEFAULT_HAIKU_MODEL", "write haiku = in [models]" },
	{ "ANTHROPIC_SMALL_FAST_MODEL", "write haiku = in [models]" },
	{ "CLAUDE_CODE_SUBAGENT_MODEL", "write subagent = in [models]" },
	{ "CLAUDE_CODE_MAX_CONTEXT_TOKENS", "write context = in [models]" },
	{ "CLAUDE_CONFIG_DIR", "write config_dir = in [policy]" },
	{ "CLAUDE_CODE_USE_BEDROCK", "write auth = bedrock in [provider]" },
	{ "CLAUDE_CODE_USE_VERTEX", "write auth = vertex in [provider]" },
	{ "CLAUDE_CODE_USE_FOUNDRY", "write auth = foundry in [provider]" },
	{ "CLAUDE_CODE_USE_MANTLE", "write auth = mantle in [provider]" },
	{ "CLAUDE_CODE_USE_ANTHROPIC_AWS", "write auth = claude-aws in [provider]" },
	{ "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD", "write auth = claude-google in [provider]" },
	{ "CLAUDE_CODE_USE_GATEWAY", "write auth = gateway in [provider]" },
	{ "CLAUDE_CODE_SKIP_*_AUTH", "write skip_auth = yes in [provider]" },
	{ "CLOUD_ML_REGION", "write region = in [parameters]" },
	{ "AWS_REGION", "write region = in [parameters]" },
	{ "AWS_DEFAULT_REGION", "write region = in [parameters]" },
	{ "ANTHROPIC_VERTEX_PROJECT_ID", "write project = in [parameters]" },
	{ "ANTHROPIC_GOOGLE_CLOUD_PROJECT", "write project = in [parameters]" },
	{ "ANTHROPIC_GOOGLE_CLOUD_LOCATION", "write region = in [parameters]" },
	{ "ANTHROPIC_*_WORKSPACE_ID", "write workspace = in [parameters]" },
};

/* clang-format on */

/* The pattern has at most one '*', anywhere.  Most names differ in the first characters, and
 * every start of ccrun matches every variable against every pattern. */
static bool pattern_match(const char *pattern, const char *name)
{
	size_t after, n;

	while (*pattern == *name && *pattern != '*') {
		if (*pattern == '\0')
			return true;
		pattern++;
		name++;
	}
	if (*pattern != '*')
		return false;
	after = strlen(pattern + 1);
	n = strlen(name);
	return n >= after && strcmp(pattern + 1, name + n - after) == 0;
}

static bool pattern_match_any(const char *name, const char *const *patterns, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (pattern_match(patterns[i], name))
			return true;
	return false;
}

bool variable_matches(const char *pattern, const char *name)
{
	return pattern_match(pattern, name);
}

#define MATCHES(name, table) pattern_match_any(name, table, sizeof(table) / sizeof((table)[0]))

bool variable_routes_client(const char *name)
{
	return MATCHES(name, routes) && !MATCHES(name, tuning);
}

bool variable_steers_runtime(const char *name)
{
	return MATCHES(name, runtime) && !MATCHES(name, runtime_harmless);
}

bool variable_is_secret(const char *name)
{
	size_t i, n = strlen(name), end;

	if (MATCHES(name, secrets))
		return true;
	if (pattern_match("CLAUDE_CODE_SKIP_*_AUTH", name))
		return false;
	for (i = 0; i < sizeof(secret_ends) / sizeof(secret_ends[0]); i++) {
		end = strlen(secret_ends[i]);
		if (n >= end && strcmp(name + n - end, secret_ends[i]) == 0)
			return true;
	}
	return false;
}

bool variable_is_blanked(const char *name)
{
	return MATCHES(name, blanked);
}

bool variable_steers_programs(const char *name)
{
	return MATCHES(name, never);
}

bool variable_opens_manager(const char *name, const struct own_manager_variables *own)
{
	const char *const *shipped;
	unsigned i;

	for (shipped = manager_variables; *shipped; shipped++)
		if (pattern_match(*shipped, name))
			return true;
	/* A pattern of the user's must not reach those without which nothing runs. */
	for (i = 0; own && i < own->n; i++)
		if (pattern_match(own->pattern[i], name))
			return !variable_steers_programs(name);
	return false;
}

bool variable_is_aws_credential(const char *name)
{
	return MATCHES(name, aws);
}

bool variable_is_proxy(const char *name)
{
	return MATCHES(name, proxies);
}

bool variable_is_harmless(const char *name, const char *value)
{
	/* For a switch any text is yes.  An empty one takes away what the user or ccrun sets;
	 * without CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC API keys go to another host too. */
	return value[0] && (MATCHES(name, harmless) || MATCHES(name, tuning));
}

const char *variable_refusal_hint(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(instead) / sizeof(instead[0]); i++)
		if (pattern_match(instead[i].name, name))
			return instead[i].hint;
	if (variable_is_secret(name))
		return "a secret belongs into the vault: see [secrets] in ccrun-provider(5)";
	if (variable_routes_client(name))
		return "it routes or authenticates the client: see [provider] in ccrun-provider(5)";
	if (variable_steers_runtime(name) || variable_steers_programs(name))
		return "it decides how programs run or which host a name is: set it in your own "
		       "environment if you must";
	if (MATCHES(name, network))
		return "it is your network's matter: set it in your own environment";
	return NULL;
}
