/*
 * tests/config/test_sealed.c - what of a provider's files is sealed with its keys: what
 * `auto` means, and the variables of [env].
 */
#include "config/provider/delivery.h"
#include "config/provider/env_sealed.h"
#include "config/provider/names.h"
#include "config/provider/variables.h"
#include "tests/config/provider_fixture.h"

/* ---- delivery ---- */

static const struct {
	const char *text;
	enum delivery usual;
} kinds[] = {
	{ "[provider]\nauth = bearer\nbase_url = https://a.test\n", DELIVERY_RELAY },
	{ "[provider]\nauth = api-key\nbase_url = https://a.test\n", DELIVERY_RELAY },
	{ "[provider]\nauth = foundry\nbase_url = https://a.test\n", DELIVERY_RELAY },
	{ "[provider]\nauth = bedrock\n[parameters]\nregion = eu-west-1\n"
	  "[secrets]\nAWS_BEARER_TOKEN_BEDROCK = x\n",
	  DELIVERY_RELAY },
	{ "[provider]\nauth = bedrock\n[parameters]\nregion = eu-west-1\n"
	  "[secrets]\nAWS_ACCESS_KEY_ID = x\nAWS_SECRET_ACCESS_KEY = y\nexposed = yes\n",
	  DELIVERY_PRELOAD },
	{ "[provider]\nauth = oauth\n", DELIVERY_PRELOAD },
	{ "[provider]\nauth = bearer\nbase_url = https://a.test\n"
	  "[secrets]\nANTHROPIC_AUTH_TOKEN = x\nMY_TOKEN = y\nexposed = yes\n",
	  DELIVERY_PRELOAD },
	{ "[provider]\nauth = bearer\nbase_url = https://a.test\n"
	  "[secrets]\nANTHROPIC_AUTH_TOKEN = x\nheader:cf-aig-authorization = y\n",
	  DELIVERY_RELAY },
};

static void test_what_auto_means(void **state)
{
	struct provider *p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		put("x", kinds[i].text);
		p = load("x", NULL);
		assert_true(p->secrets > 0);
		assert_int_equal(provider_delivery_usual(p), kinds[i].usual);
		assert_int_equal(provider_delivery_sealed(p), kinds[i].usual);
		provider_free(p);
	}
}

static void test_what_a_file_says_is_sealed(void **state)
{
	static const enum delivery said[] = { DELIVERY_RELAY, DELIVERY_PRELOAD, DELIVERY_PIPE,
					      DELIVERY_ENV };
	struct provider *p;
	char text[256];
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (k = 0; k < sizeof(said) / sizeof(said[0]); k++) {
			snprintf(text, sizeof(text), "%s[policy]\ndelivery = %s\n", kinds[i].text,
				 delivery_name(said[k]));
			put("x", text);
			p = load("x", NULL);
			assert_int_equal(provider_delivery_sealed(p), said[k]);
			assert_int_equal(provider_delivery_usual(p), kinds[i].usual);
			provider_free(p);
		}
}

/* What the files say of nested; else use by relay, and nothing beside it. */
static void test_nested_goes_with_the_delivery(void **state)
{
	static const struct {
		const char *text;
		enum nested nested;
	} said[] = {
		{ "delivery = relay", NESTED_USE },
		{ "delivery = preload", NESTED_DENY },
		{ "delivery = env", NESTED_DENY },
		{ "delivery = relay\nnested = deny", NESTED_DENY },
		{ "delivery = relay\nnested = allow", NESTED_ALLOW },
		{ "delivery = preload\nnested = use", NESTED_USE },
	};
	struct provider *p;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		snprintf(text, sizeof(text), "%s[policy]\n%s\n", kinds[0].text, said[i].text);
		put("x", text);
		p = load("x", NULL);
		assert_int_equal(provider_nested_sealed(p), said[i].nested);
		provider_free(p);
	}
}

/* ---- [env] ---- */

#define HEAD "[provider]\nauth = bearer\nbase_url = https://a.test\n"

static void expect_lines(const char *text, const char *mode, const char *lines)
{
	char out[ENV_SEALED_MAX + 1];
	struct failure f = { 0 };
	struct provider *p;

	put("x", text);
	p = load("x", mode);
	assert_int_equal(provider_env_sealed(p, out, &f), (int)strlen(lines));
	assert_string_equal(out, lines);
	provider_free(p);
}

static void test_lines(void **state)
{
	(void)state;
	expect_lines(HEAD, NULL, "");
	/* what ccrun and other sections set is sealed otherwise, or nothing that routes */
	expect_lines(HEAD "[models]\ndefault = m\n[policy]\nconfig_dir = ~/.w\n", NULL, "");
	expect_lines(HEAD "[env]\nAPI_TIMEOUT_MS = 3000000\nDISABLE_TELEMETRY = 1\n", NULL, "");
	expect_lines(HEAD "[env]\nUNKNOWN = a b=c\n", NULL, "UNKNOWN=a b=c\n");
	/* the order of the file says nothing, a harmless one between them neither */
	expect_lines(HEAD "[env]\nBB = 2\nAPI_TIMEOUT_MS = 1\nA = 1\n", NULL, "A=1\nBB=2\n");
	expect_lines(HEAD "[env]\nA = 1\nBB = 2\n", NULL, "A=1\nBB=2\n");
	/* the value counts, as it is set: parameters are in it, a mode's own comes first */
	expect_lines(HEAD "[parameters]\nh = host\n[env]\nA = ${h}.test\n", NULL, "A=host.test\n");
	expect_lines(HEAD "[env]\nA = 1\n[mode m]\ntitle = M\n[mode m env]\nA = 2\n", "m", "A=2\n");
	/* with which others a key goes out, where a file of the user's own says it */
	expect_lines(HEAD "[secrets]\nANTHROPIC_AUTH_TOKEN = x\n", NULL, "");
	expect_lines(
		HEAD
		"[secrets]\nheader:x-b = Bearer y\nANTHROPIC_AUTH_TOKEN = x\n[headers]\nx-c = 1\n",
		NULL, "header:x-c=1\nsecret:ANTHROPIC_AUTH_TOKEN=x\nsecret:header:x-b:Bearer=y\n");
	/* nothing is set then */
	expect_lines(HEAD "[env]\nA =\n", NULL, "");
}

static void test_too_many(void **state)
{
	char text[16384], out[ENV_SEALED_MAX + 1];
	struct failure f = { 0 };
	struct provider *p;
	size_t n;
	int i;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text), HEAD "[env]\n");
	for (i = 0; i < 9; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "A%d = %01000d\n", i, 0);
	put("x", text);
	p = load("x", NULL);
	assert_int_equal(provider_env_sealed(p, out, &f), -1);
	assert_int_equal(f.code, FAIL_CONFIG);
	provider_free(p);
}

/* What ships sets nothing that would have to be approved. */
static void test_shipped(void **state)
{
	char out[ENV_SEALED_MAX + 1], **names;
	struct provider *p;
	struct failure f;
	unsigned i, k, n;

	(void)state;
	assert_int_equal(provider_names(&names, &n, &f), 0);
	for (i = 0; i < n; i++) {
		if (strcmp(names[i], "x") != 0) {
			p = load(names[i], NULL);
			assert_int_equal(provider_env_sealed(p, out, &f), 0);
			for (k = 0; k < p->mode_count; k++) {
				struct provider *m = load(names[i], p->modes[k]);

				assert_int_equal(provider_env_sealed(m, out, &f), 0);
				provider_free(m);
			}
			provider_free(p);
		}
		free(names[i]);
	}
	free(names);
}

static void test_variables(void **state)
{
	static const char *const refused[] = {
		"RES_OPTIONS",
		"RES_CONF",
		"LOCALDOMAIN",
		"HOSTALIASES",
		"RESOLV_HOST_CONF",
		"SSLKEYLOGFILE",
		"SSL_CERT_FILE",
		"SSL_CERT_DIR",
		"NODE_EXTRA_CA_CERTS",
		"NODE_OPTIONS",
		"NODE_USE_ENV_PROXY",
		"HTTPS_PROXY",
		"https_proxy",
		"SOCKS_PROXY",
		"socks_proxy",
		"ALL_PROXY",
		"NO_PROXY",
		"NODE_TLS_REJECT_UNAUTHORIZED",
		"BUN_CONFIG_VERBOSE_FETCH",
		"GODEBUG",
		"LD_AUDIT",
		"GCONV_PATH",
		"LOCPATH",
		"NLSPATH",
		"MALLOC_CHECK_",
		"OPENSSL_CONF",
		"OPENSSL_ia32cap",
		"GLIBC_TUNABLES",
		"CURL_CA_BUNDLE",
		"CURL_HOME",
		"REQUESTS_CA_BUNDLE",
		"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
		"TZDIR",
		"NIS_PATH",
		"ANTHROPIC_CUSTOM_HEADERS",
		"CLAUDE_CODE_API_BASE_URL",
	};
	static const char *const unknown[] = {
		"CLAUDE_CODE_EXTRA_BODY",
		"CLAUDE_CODE_SHELL_PREFIX",
		"CLAUDE_CODE_PROCESS_WRAPPER",
		"CLAUDE_CODE_TEAMMATE_COMMAND",
		"CLAUDE_CODE_PLUGIN_DIRS",
		"CLAUDE_ENV_FILE",
		"OTEL_EXPORTER_OTLP_ENDPOINT",
		"BETA_TRACING_ENDPOINT",
		"BROWSER",
		"EDITOR",
		"CLAUDE_CODE_DISABLE_DANGEROUS_RM_TIMEOUT",
		"API_TIMEOUT_MS2",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (!variable_refusal_hint(refused[i]))
			fail_msg("%s is allowed in [env]", refused[i]);
		assert_false(variable_is_harmless(refused[i], "1"));
	}
	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		if (variable_is_harmless(unknown[i], "1"))
			fail_msg("%s is not sealed", unknown[i]);
	assert_true(variable_is_harmless("DISABLE_TELEMETRY", "1"));
	assert_false(variable_is_harmless("DISABLE_TELEMETRY", ""));
	assert_true(variable_is_harmless("CLAUDE_CODE_USE_NATIVE_FILE_SEARCH", "1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_auto_means, empty),
		cmocka_unit_test_setup(test_what_a_file_says_is_sealed, empty),
		cmocka_unit_test_setup(test_nested_goes_with_the_delivery, empty),
		cmocka_unit_test_setup(test_lines, empty),
		cmocka_unit_test_setup(test_too_many, empty),
		cmocka_unit_test_setup(test_shipped, empty),
		cmocka_unit_test_setup(test_variables, empty),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
