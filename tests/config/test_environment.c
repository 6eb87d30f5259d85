/*
 * tests/config/test_environment.c - the environment rules: which variables are
 * dropped, saved, set, for which provider.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config/provider/environment.h"
#include "config/provider/manager_variables.h"
#include "config/provider/variables.h"
#include "config/provider/provider.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_routes(void **state)
{
	static const char *const yes[] = {
		"ANTHROPIC_BASE_URL",
		"ANTHROPIC_API_KEY",
		"ANTHROPIC_NEW_THING",
		"ANTHROPIC_UNIX_SOCKET",
		"ANTHROPIC_CUSTOM_HEADERS",
		"ANTHROPIC_MODEL",
		"CLAUDE_CODE_USE_BEDROCK",
		"CLAUDE_CODE_USE_GATEWAY",
		"CLAUDE_CODE_SKIP_BEDROCK_AUTH",
		"CLAUDE_CODE_SKIP_X_AUTH",
		"CLAUDE_CODE_OAUTH_TOKEN",
		"CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR",
		"CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
		"CLAUDE_CODE_API_BASE_URL",
		"CLAUDE_CODE_GATEWAY_TOKEN",
		"CLAUDE_CODE_HOST_AUTH_ENV_VAR",
		"CLAUDE_CODE_HOST_CREDS_FILE",
		"CLAUDE_CODE_SUBAGENT_MODEL",
		"CLAUDE_CODE_MAX_CONTEXT_TOKENS",
		"CLAUDE_CODE_PROXY_URL",
		"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",
		"AWS_BEARER_TOKEN_BEDROCK",
		"CLOUD_ML_REGION",
		"VERTEX_REGION_CLAUDE_4_0_OPUS",
		"NODE_TLS_REJECT_UNAUTHORIZED",
		"CCRUN_PROVIDER",
		"CCRUN_ANYTHING",
		"CLAUDE_CODE_CUSTOM_OAUTH_URL",
		"CLAUDE_LOCAL_OAUTH_API_BASE",
		"_CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL",
	};
	static const char *const no[] = {
		"API_TIMEOUT_MS",
		"CLAUDE_CODE_MAX_OUTPUT_TOKENS",
		"CLAUDE_CONFIG_DIR",
		"PATH",
		"HOME",
		"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
		"AWS_PROFILE",
		"AWS_ACCESS_KEY_ID",
		"GOOGLE_APPLICATION_CREDENTIALS",
		"HTTPS_PROXY",
		"NODE_EXTRA_CA_CERTS",
		"ANTHROPI",
		"CLAUDE_CODE_USE_NATIVE_FILE_SEARCH",
		"CLAUDE_CODE_SKIP_PROMPT_HISTORY",
		"MY_ANTHROPIC_KEY",
		"CLAUDE_CODE_CLIENT_CERT",
		"OPENAI_API_KEY",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(yes); i++)
		if (!variable_routes_client(yes[i]))
			fail_msg("%s routes", yes[i]);
	for (i = 0; i < COUNT(no); i++)
		if (variable_routes_client(no[i]))
			fail_msg("%s does not route", no[i]);
}

static void test_runtime(void **state)
{
	static const char *const yes[] = {
		"BUN_OPTIONS",	  "BUN_INSPECT",	"BUN_X",	   "NODE_OPTIONS",
		"NODE_DEBUG",	  "NODE_DEBUG_NATIVE",	"LD_PRELOAD",	   "LD_LIBRARY_PATH",
		"GLIBC_TUNABLES", "GCONV_PATH",		"MALLOC_TRACE",	   "SSLKEYLOGFILE",
		"HOSTALIASES",	  "RES_OPTIONS",	"LOCALDOMAIN",	   "RESOLV_HOST_CONF",
		"CARES_HOSTS",	  "NODE_COMPILE_CACHE", "NODE_CHANNEL_FD", "NODE_OF_TOMORROW",
	};
	static const char *const no[] = { "NODE_EXTRA_CA_CERTS",
					  "PATH",
					  "BUNDLE",
					  "MALLOCATOR",
					  "LANG",
					  "NODE_ENV",
					  "NODE_TLS_REJECT_UNAUTHORIZED",
					  "NODE_USE_SYSTEM_CA",
					  "NODENV_ROOT" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(yes); i++)
		if (!variable_steers_runtime(yes[i]))
			fail_msg("%s is the runtime's", yes[i]);
	for (i = 0; i < COUNT(no); i++)
		if (variable_steers_runtime(no[i]))
			fail_msg("%s is not the runtime's", no[i]);
}

static void test_secret(void **state)
{
	static const char *const yes[] = { "ANTHROPIC_API_KEY",
					   "ANTHROPIC_AUTH_TOKEN",
					   "MY_TOKEN",
					   "AWS_ACCESS_KEY_ID",
					   "AWS_SECRET_ACCESS_KEY",
					   "ANTHROPIC_CUSTOM_HEADERS",
					   "OTEL_EXPORTER_OTLP_HEADERS",
					   "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
					   "DB_PASSWORD",
					   "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE" };
	static const char *const no[] = {
		"CLAUDE_CODE_MAX_OUTPUT_TOKENS", "API_TIMEOUT_MS",	"AWS_PROFILE",
		"CLAUDE_CODE_SKIP_VERTEX_AUTH",	 "MAX_THINKING_TOKENS", "KEYMAP",
		"DISABLE_PROMPT_CACHING"
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(yes); i++)
		if (!variable_is_secret(yes[i]))
			fail_msg("%s carries a secret", yes[i]);
	for (i = 0; i < COUNT(no); i++)
		if (variable_is_secret(no[i]))
			fail_msg("%s carries none", no[i]);
	assert_true(variable_is_blanked("ANTHROPIC_AUTH_TOKEN"));
	assert_true(variable_is_blanked("AWS_BEARER_TOKEN_BEDROCK"));
	assert_false(variable_is_blanked("AWS_SECRET_ACCESS_KEY"));
	assert_false(variable_is_blanked("MY_TOKEN"));
}

/* action's letter + NAME[=value], joined by spaces: U unset, S set, V saved */
static void expect_plan(const struct provider *p, const char *const *env, const char *expected)
{
	char got[2048] = "";
	struct env_change *c;
	size_t used = 0;
	int i, n = environment_plan(p, false, NULL, (char *const *)env, &c);

	assert_true(n >= 0);
	for (i = 0; i < n; i++) {
		assert_int_not_equal(c[i].action, ENV_KEEP);
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%c:%.*s%s%s",
					 i ? " " : "",
					 c[i].action == ENV_SET	    ? 'S'
					 : c[i].action == ENV_UNSET ? 'U'
								    : 'V',
					 (int)c[i].name_len, c[i].name, c[i].value ? "=" : "",
					 c[i].value ? c[i].value : "");
	}
	free(c);
	assert_string_equal(got, expected);
}

static void add_env(struct provider *p, const char *name, const char *value)
{
	snprintf(p->env[p->envs].name, sizeof(p->env[0].name), "%s", name);
	snprintf(p->env[p->envs].value, sizeof(p->env[0].value), "%s", value);
	p->envs++;
}

static void add_secret(struct provider *p, const char *variable)
{
	snprintf(p->secret[p->secrets++].variable, sizeof(p->secret[0].variable), "%s", variable);
}

static struct provider *fresh(enum auth auth, const char *url)
{
	struct provider *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->auth = auth;
	snprintf(p->name, sizeof(p->name), "p");
	snprintf(p->base_url, sizeof(p->base_url), "%s", url);
	if (url[0])
		add_env(p, "ANTHROPIC_BASE_URL", url);
	return p;
}

#define OURS " S:CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1 S:CCRUN_PROVIDER=p"

static void test_plan(void **state)
{
	struct provider *p = fresh(AUTH_BEARER, "https://a.example");
	const char *env[] = { "PATH=/bin",
			      "ANTHROPIC_API_KEY=stray",
			      "LD_PRELOAD=x.so",
			      "noequals",
			      "=odd",
			      "ANTHROPIC_BASE_URL=https://b",
			      "API_TIMEOUT_MS=1",
			      "ANTHROPIC_AUTH_TOKEN=mine",
			      "CCRUN_MODE=old",
			      "BUN_OPTIONS=",
			      "BASH_FUNC_x%%=() { :; }",
			      "ANTHROPIC_API_KEY=again",
			      NULL };

	(void)state;
	add_secret(p, "ANTHROPIC_AUTH_TOKEN");
	expect_plan(p, env,
		    "U:ANTHROPIC_API_KEY V:LD_PRELOAD=x.so U:ANTHROPIC_AUTH_TOKEN U:CCRUN_MODE "
		    "V:BUN_OPTIONS= V:BASH_FUNC_x%%=() { :; } U:ANTHROPIC_API_KEY "
		    "S:ANTHROPIC_BASE_URL=https://a.example" OURS);
	add_env(p, "API_TIMEOUT_MS", "9");
	snprintf(p->mode, sizeof(p->mode), "m");
	expect_plan(
		p, env + 6,
		"U:ANTHROPIC_AUTH_TOKEN V:BUN_OPTIONS= V:BASH_FUNC_x%%=() { :; } "
		"U:ANTHROPIC_API_KEY S:ANTHROPIC_BASE_URL=https://a.example S:API_TIMEOUT_MS=9" OURS
		" S:CCRUN_MODE=m");
	free(p);
}

static void test_login(void **state)
{
	struct provider *p = fresh(AUTH_NONE, "");
	const char *env[] = { "ANTHROPIC_API_KEY=stray", "CLAUDE_CODE_USE_BEDROCK=1",
			      "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1", "AWS_PROFILE=w", NULL };
	const char *none[] = { NULL };

	(void)state;
	/* the client would not use its own login with the variable set */
	expect_plan(p, env,
		    "U:ANTHROPIC_API_KEY U:CLAUDE_CODE_USE_BEDROCK "
		    "U:CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST S:CCRUN_PROVIDER=p");
	expect_plan(p, none, "S:CCRUN_PROVIDER=p");
	free(p);
}

static void test_aws(void **state)
{
	struct provider *p = fresh(AUTH_BEDROCK, "");
	const char *env[] = { "AWS_PROFILE=w",
			      "AWS_ACCESS_KEY_ID=i",
			      "AWS_SESSION_TOKEN=t",
			      "AWS_BEARER_TOKEN_BEDROCK=b",
			      "AWS_ENDPOINT_URL_BEDROCK_RUNTIME=u",
			      "AWS_PAGER=less",
			      NULL };

	(void)state;
	/* the chain is the user's, and the client would not use it with the variable set */
	expect_plan(p, env, "U:AWS_BEARER_TOKEN_BEDROCK S:CCRUN_PROVIDER=p");
	/* ours instead: the others come back for what the session starts */
	add_secret(p, "AWS_BEARER_TOKEN_BEDROCK");
	expect_plan(p, env,
		    "V:AWS_PROFILE=w V:AWS_ACCESS_KEY_ID=i V:AWS_SESSION_TOKEN=t "
		    "U:AWS_BEARER_TOKEN_BEDROCK V:AWS_ENDPOINT_URL_BEDROCK_RUNTIME=u" OURS);
	/* a pair of ours: no half of another pair comes back */
	p->secrets = 0;
	add_secret(p, "AWS_ACCESS_KEY_ID");
	add_secret(p, "AWS_SECRET_ACCESS_KEY");
	expect_plan(p, env,
		    "V:AWS_PROFILE=w U:AWS_ACCESS_KEY_ID U:AWS_SESSION_TOKEN "
		    "U:AWS_BEARER_TOKEN_BEDROCK V:AWS_ENDPOINT_URL_BEDROCK_RUNTIME=u" OURS);
	/* of another provider, they are nobody's business */
	p->auth = AUTH_BEARER;
	p->secrets = 0;
	add_secret(p, "ANTHROPIC_AUTH_TOKEN");
	expect_plan(p, env, "U:AWS_BEARER_TOKEN_BEDROCK" OURS);
	free(p);
}

#define LOCAL "S:ANTHROPIC_BASE_URL=http://localhost:1"

static void test_no_proxy(void **state)
{
	struct provider *p = fresh(AUTH_BEARER, "http://localhost:1");
	const char *plain[] = { "no_proxy=a", NULL }, *bare[] = { "https_proxy=p", NULL };
	const char *empty[] = { "https_proxy=", NULL };
	const char *lower[] = { "HTTP_PROXY=p", "no_proxy=a.example, b", NULL };
	const char *covered[] = { "HTTP_PROXY=p", "no_proxy=x,LOCALHOST", "NO_PROXY=*", NULL };
	const char *near[] = { "HTTP_PROXY=p", "no_proxy=x.localhost", "NO_PROXY=localhost.x",
			       NULL };

	(void)state;
	p->local = true;
	expect_plan(p, plain, LOCAL OURS);
	expect_plan(p, empty, LOCAL OURS);
	expect_plan(p, bare, LOCAL " S:NO_PROXY=localhost S:no_proxy=localhost" OURS);
	expect_plan(p, lower,
		    LOCAL
		    " S:NO_PROXY=a.example, b,localhost S:no_proxy=a.example, b,localhost" OURS);
	expect_plan(p, covered, LOCAL OURS);
	expect_plan(p, near,
		    LOCAL
		    " S:NO_PROXY=localhost.x,localhost S:no_proxy=x.localhost,localhost" OURS);
	p->local = false;
	expect_plan(p, bare, LOCAL OURS);
	free(p);
}

/* What opens a password manager stays out, also where this session has no key: another entry's may
 * be there. */
static void test_managers(void **state)
{
	struct provider *p = fresh(AUTH_NONE, "");
	static const char *const env[] = { "BW_SESSION=s",
					   "BWS_ACCESS_TOKEN=t",
					   "OP_SESSION_my=s",
					   "OP_SERVICE_ACCOUNT_TOKEN=s",
					   "OP_ACCOUNT=a",
					   "VAULT_TOKEN=t",
					   "VAULT_SECRET_ID=t",
					   "VAULT_ADDR=a",
					   "AWS_SECRET_ACCESS_KEY=k",
					   NULL };

	(void)state;
	expect_plan(p, env,
		    "U:BW_SESSION U:BWS_ACCESS_TOKEN U:OP_SESSION_my U:OP_SERVICE_ACCOUNT_TOKEN "
		    "U:VAULT_TOKEN U:VAULT_SECRET_ID S:CCRUN_PROVIDER=p");
	add_secret(p, "ANTHROPIC_AUTH_TOKEN");
	expect_plan(p, env,
		    "U:BW_SESSION U:BWS_ACCESS_TOKEN U:OP_SESSION_my U:OP_SERVICE_ACCOUNT_TOKEN "
		    "U:VAULT_TOKEN U:VAULT_SECRET_ID" OURS);
	free(p);
}

/* The user's own files add names; a pattern of theirs does not reach PATH and its like. */
static void test_own_managers(void **state)
{
	static const struct own_manager_variables own = { 3, { "MINE_*", "PAT*", "OTHER" } };

	(void)state;
	assert_true(variable_opens_manager("MINE_TOKEN", &own));
	assert_true(variable_opens_manager("OTHER", &own));
	assert_true(variable_opens_manager("BW_SESSION", &own));
	assert_true(variable_opens_manager("PATIENCE", &own));
	assert_false(variable_opens_manager("PATH", &own));
	assert_false(variable_opens_manager("OTHERS", &own));
	assert_false(variable_opens_manager("MINE_TOKEN", NULL));
}

static void test_long_names(void **state)
{
	struct provider *p = fresh(AUTH_BEARER, "");
	static char entry[600], other[600];
	char *env[] = { entry, other, NULL };
	struct env_change *c;

	(void)state;
	memset(entry, 'A', sizeof(entry) - 1);
	memcpy(entry, "ANTHROPIC_", 10);
	entry[500] = '=';
	memset(other, 'A', sizeof(other) - 1);
	other[500] = '=';
	assert_int_equal(environment_plan(p, false, NULL, env, &c), 3);
	assert_int_equal(c[0].action, ENV_UNSET);
	assert_int_equal(c[0].name_len, 500);
	free(c);
	free(p);
}

static void test_refused_hints(void **state)
{
	(void)state;
	assert_null(variable_refusal_hint("API_TIMEOUT_MS"));
	/* it has a key of its own, which is sealed */
	assert_non_null(variable_refusal_hint("CLAUDE_CONFIG_DIR"));
	assert_non_null(strstr(variable_refusal_hint("ANTHROPIC_BASE_URL"), "base_url"));
	assert_non_null(variable_refusal_hint("CCRUN_X"));
	assert_non_null(variable_refusal_hint("SSH_AUTH_SOCK"));
	assert_true(variable_steers_programs("LD_PRELOAD") && variable_steers_programs("PATH"));
	assert_false(variable_steers_programs("AWS_ACCESS_KEY_ID"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),	      cmocka_unit_test(test_runtime),
		cmocka_unit_test(test_secret),	      cmocka_unit_test(test_plan),
		cmocka_unit_test(test_login),	      cmocka_unit_test(test_aws),
		cmocka_unit_test(test_managers),      cmocka_unit_test(test_own_managers),
		cmocka_unit_test(test_no_proxy),      cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_refused_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
