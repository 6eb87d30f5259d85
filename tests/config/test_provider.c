/*
 * tests/config/test_provider.c - provider files: those that we ship, and each
 * rule of the format.  What is refused: test_provider_refused.c.
 */
#include "config/provider/names.h"
#include "config/provider/overlay.h"
#include "tests/config/provider_fixture.h"

#include "config/ini/nearest.h"

static void expect_overlay(const char *name, const char *text)
{
	char got[4096];
	FILE *f = fopen(overlay(name), "r");
	size_t n;

	assert_non_null(f);
	n = fread(got, 1, sizeof(got) - 1, f);
	got[n] = '\0';
	fclose(f);
	assert_string_equal(got, text);
}

static const char *env_of(const struct provider *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->envs; i++)
		if (strcmp(p->env[i].name, name) == 0)
			return p->env[i].value;
	return NULL;
}

static void expect_env(const struct provider *p, const char *name, const char *value)
{
	const char *got = env_of(p, name);

	if (!got || strcmp(got, value) != 0)
		fail_msg("%s is %s, not %s", name, got ? got : "absent", value);
}

static void test_shipped(void **state)
{
	char **names;
	struct failure f;
	struct provider *p, *q;
	unsigned i, k, n;

	(void)state;
	assert_int_equal(provider_names(&names, &n, &f), 0);
	assert_true(n >= 24);
	for (i = 0; i < n; i++) {
		assert_true(i == 0 || strcmp(names[i - 1], names[i]) < 0);
		p = load(names[i], NULL);
		assert_string_equal(p->name, names[i]);
		assert_true(p->title[0]);
		assert_string_equal(p->note, "");
		if (strcmp(names[i], "demo") != 0) {
			assert_non_null(strstr(p->docs, "2026-"));
			assert_true(p->verified[0]);
			/* They are sealed: an upgrade would be asked about. */
			assert_int_equal(p->prices, 0);
		}
		for (k = 0; k < p->mode_count; k++) {
			q = load(names[i], p->modes[k]);
			assert_string_equal(q->mode, p->modes[k]);
			provider_free(q);
		}
		provider_free(p);
	}
	while (n)
		free(names[--n]);
	free(names);
}

static void test_shipped_values(void **state)
{
	struct provider *p = load("openrouter", "");

	(void)state;
	assert_string_equal(p->origin, "bearer https://openrouter.ai/api");
	assert_int_equal(p->secrets, 1);
	assert_string_equal(p->secret[0].variable, "ANTHROPIC_AUTH_TOKEN");
	assert_string_equal(p->secret[0].entry, "openrouter");
	expect_env(p, "ANTHROPIC_BASE_URL", "https://openrouter.ai/api");
	provider_free(p);

	p = load("zai", NULL);
	expect_env(p, "ANTHROPIC_DEFAULT_OPUS_MODEL", "GLM-5");
	expect_env(p, "API_TIMEOUT_MS", "3000000");
	assert_string_equal(p->model, "GLM-5");
	provider_free(p);

	p = load("anthropic", NULL);
	assert_string_equal(p->origin, "api-key https://api.anthropic.com");
	assert_string_equal(p->secret[0].variable, "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR");
	provider_free(p);

	p = load("claude", NULL);
	assert_int_equal(p->secrets, 0);
	assert_int_equal(p->envs, 0);
	provider_free(p);

	p = load("ollama", NULL);
	assert_true(p->local);
	assert_int_equal(p->secrets, 0);
	assert_string_equal(provider_missing(p)->name, "model");
	expect_env(p, "ANTHROPIC_AUTH_TOKEN", "ollama");
	expect_env(p, "ANTHROPIC_MODEL", "${model}");
	provider_free(p);
}

static void test_clouds(void **state)
{
	struct provider *p;

	(void)state;
	put("bedrock", "[parameters]\nregion = eu-west-1\n");
	p = load("bedrock", NULL);
	assert_null(provider_missing(p));
	assert_int_equal(p->secrets, 0);
	assert_string_equal(p->origin, "bedrock https://bedrock-runtime.eu-west-1.amazonaws.com");
	expect_env(p, "CLAUDE_CODE_USE_BEDROCK", "1");
	expect_env(p, "AWS_REGION", "eu-west-1");
	assert_non_null(strstr(p->needs, "bedrock:InvokeModelWithResponseStream"));
	provider_free(p);
	p = load("bedrock", "bearer");
	assert_string_equal(p->secret[0].variable, "AWS_BEARER_TOKEN_BEDROCK");
	assert_false(p->policy.exposed);
	assert_string_equal(p->needs_any, "");
	provider_free(p);
	p = load("bedrock", "keys");
	assert_int_equal(p->secrets, 2);
	assert_true(p->exposed && p->policy.exposed);
	provider_free(p);

	put("azure", "[parameters]\nresource = mine\n");
	p = load("azure", NULL);
	assert_string_equal(p->origin, "api-key https://mine.services.ai.azure.com/anthropic");
	/* side traffic would take an API key to the vendor's own host */
	expect_env(p, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
	provider_free(p);

	put("x", "[provider]\nuse = foundry\n[parameters]\nresource = r1\n");
	p = load("x", NULL);
	assert_string_equal(p->origin, "foundry https://r1.services.ai.azure.com/anthropic");
	expect_env(p, "ANTHROPIC_FOUNDRY_RESOURCE", "r1");
	assert_string_equal(p->secret[0].variable, "ANTHROPIC_FOUNDRY_API_KEY");
	provider_free(p);

	put("x", "[provider]\nuse = vertex\nskip_auth = yes\nbase_url = http://127.0.0.1:9/v1/\n"
		 "[parameters]\nregion = europe-west1\nproject = p-1\n");
	p = load("x", NULL);
	assert_string_equal(p->origin, "vertex http://127.0.0.1:9/v1");
	expect_env(p, "ANTHROPIC_VERTEX_BASE_URL", "http://127.0.0.1:9/v1");
	expect_env(p, "CLOUD_ML_REGION", "europe-west1");
	expect_env(p, "ANTHROPIC_VERTEX_PROJECT_ID", "p-1");
	expect_env(p, "CLAUDE_CODE_SKIP_VERTEX_AUTH", "1");
	provider_free(p);
}

static void test_vertex_origin(void **state)
{
	static const char *const cases[][2] = {
		{ "us-east5", "vertex https://us-east5-aiplatform.googleapis.com" },
		{ "global", "vertex https://aiplatform.googleapis.com" },
		{ "eu", "vertex https://aiplatform.eu.rep.googleapis.com" },
	};
	char text[128];
	struct provider *p;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text),
			 "[provider]\nuse = vertex\n[parameters]\nregion = %s\n", cases[i][0]);
		put("x", text);
		p = load("x", NULL);
		assert_string_equal(p->origin, cases[i][1]);
		assert_string_equal(provider_missing(p)->name, "project");
		provider_free(p);
	}
}

static void test_overlay(void **state)
{
	struct provider *p;

	(void)state;
	put("zai", "[models]\nopus = glm-9\nhaiku =\n[env]\nAPI_TIMEOUT_MS = 5 ; short\nFOO = a b\n"
		   "[policy]\nstrict = yes\n");
	p = load("zai", NULL);
	expect_env(p, "ANTHROPIC_DEFAULT_OPUS_MODEL", "glm-9");
	expect_env(p, "ANTHROPIC_DEFAULT_SONNET_MODEL", "GLM-4.7");
	assert_null(env_of(p, "ANTHROPIC_DEFAULT_HAIKU_MODEL")); /* an empty value takes it back */
	expect_env(p, "API_TIMEOUT_MS", "5");
	expect_env(p, "FOO", "a b");
	assert_true(p->policy.strict);
	provider_free(p);
}

static void test_use(void **state)
{
	struct provider *p;

	(void)state;
	put("work", "[provider]\nuse = openrouter\nsecret = openrouter-work\ntitle = OR, work\n");
	p = load("work", NULL);
	assert_string_equal(p->name, "work");
	assert_string_equal(p->title, "OR, work");
	assert_string_equal(p->secret[0].entry, "openrouter-work");
	assert_string_equal(p->origin, "bearer https://openrouter.ai/api");
	provider_free(p);

	/* without secret =, the entry is that of the file that says auth */
	put("work", "[provider]\nuse = openrouter\n");
	p = load("work", NULL);
	assert_string_equal(p->secret[0].entry, "openrouter");
	provider_free(p);
	put("work", "[provider]\nuse = openrouter\nauth = api-key\n");
	p = load("work", NULL);
	assert_string_equal(p->secret[0].entry, "work");
	assert_string_equal(p->secret[0].variable, "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR");
	provider_free(p);

	/* modes and overlay come along */
	put("bedrock", "[models]\nopus = us.anthropic.big\n");
	put("y", "[provider]\nuse = bedrock\n");
	p = load("y", "bearer");
	assert_string_equal(p->model, "us.anthropic.big");
	assert_string_equal(p->secret[0].entry, "bedrock");
	provider_free(p);
}

static void test_cycles(void **state)
{
	struct failure f;

	(void)state;
	put("openrouter", "[provider]\nuse = openrouter\n");
	f = refused("openrouter", NULL);
	assert_int_equal(f.code, FAIL_CONFIG);
	assert_non_null(strstr(f.what, "openrouter.conf:2:"));
	put("y", "[provider]\nuse = z\n");
	put("z", "[provider]\n\nuse = x\n");
	put("x", "[provider]\nuse = y\n");
	f = refused("x", NULL); /* named where it closes */
	assert_int_equal(f.code, FAIL_CONFIG);
	assert_non_null(strstr(f.what, "z.conf:3: use = x goes in a circle"));
	refuse("[provider]\nuse = openruoter\n", NULL, ":2:", "there is no provider openruoter");
	f = refused("x", NULL);
	assert_non_null(strstr(f.hint, "openrouter"));
	refuse("[provider]\nuse = ../x\n", NULL, ":2:", "not a provider's name");
}

static void test_modes(void **state)
{
	struct provider *p;
	struct failure f;

	(void)state;
	put("x", BEARER "base_url = https://a.example\nsecret = s\n[env]\nA = 1\nB = 1\n"
			"[mode fast]\nbase_url = https://b.example\n[mode fast env]\nB = 2\n"
			"[mode fast policy]\nnested = allow\n[mode empty]\n"
			"[mode home]\nuse = ollama\ntitle = At home\n[mode home env]\nC = 3\n");
	p = load("x", "fast");
	assert_string_equal(p->origin, "bearer https://b.example");
	expect_env(p, "A", "1");
	expect_env(p, "B", "2");
	assert_int_equal(p->policy.nested, NESTED_ALLOW);
	assert_int_equal(p->mode_count, 3);
	assert_string_equal(p->secret[0].entry, "s");
	provider_free(p);
	provider_free(load("x", "empty"));

	p = load("x", "home");
	assert_string_equal(p->title, "At home");
	assert_null(env_of(p, "A"));
	expect_env(p, "C", "3");
	assert_int_equal(p->secrets, 0);
	assert_true(p->local);
	provider_free(p);

	f = refused("x", "slow");
	assert_int_equal(f.code, FAIL_NO_ENTRY);
	assert_string_equal(f.hint, "its modes: fast, empty, home");
	f = refused("anthropic", "slow");
	assert_int_equal(f.code, FAIL_NO_ENTRY);
}

static void test_mode_secrets(void **state)
{
	struct provider *p;

	(void)state;
	/* a mode's set of credentials replaces the default's */
	put("x", BEARER "[secrets]\nANTHROPIC_AUTH_TOKEN = a\nheader:cf-aig-authorization = b\n"
			"header:x-key=c\n");
	p = load("x", NULL);
	assert_int_equal(p->secrets, 3);
	assert_string_equal(p->secret[1].variable, "header:cf-aig-authorization");
	assert_string_equal(p->secret[1].entry, "b");
	assert_string_equal(p->secret[2].variable, "header:x-key");
	assert_string_equal(p->secret[2].entry, "c");
	provider_free(p);
	put("x", BEARER "[secrets]\nANTHROPIC_AUTH_TOKEN = a\n[mode m secrets]\n"
			"ANTHROPIC_API_KEY = b\n[mode n]\nsecret = none\n");
	p = load("x", NULL);
	assert_string_equal(p->secret[0].entry, "a");
	provider_free(p);
	p = load("x", "m");
	assert_int_equal(p->secrets, 1);
	assert_string_equal(p->secret[0].variable, "ANTHROPIC_API_KEY");
	provider_free(p);
	p = load("x", "n");
	assert_int_equal(p->secrets, 0);
	provider_free(p);
}

static void test_parameters(void **state)
{
	struct provider *p;

	(void)state;
	put("x", BEARER "base_url = http://${host}:${port}/p/${path}\n[parameters]\n"
			"host = ask: which host | gateway.example\nport = 4000\npath = ask: path\n"
			"[env]\nX_WHERE = ${host}/$HOME\n");
	p = load("x", NULL);
	assert_string_equal(p->param[0].ask, "which host");
	assert_string_equal(p->param[0].fallback, "gateway.example");
	assert_string_equal(p->param[0].value, ""); /* offered, not used */
	assert_string_equal(p->base_url, "http://${host}:4000/p/${path}");
	expect_env(p, "X_WHERE", "${host}/$HOME");
	assert_string_equal(provider_missing(p)->name, "host");
	provider_free(p);

	refuse(BEARER "base_url = http://${host}/\n[parameters]\nhost = a/b\n", NULL,
	       ":3:", "would leave its place");
	refuse(BEARER "base_url = http://${host}.example\n[parameters]\nhost = evil.example:1\n",
	       NULL, ":3:", "would leave its place");
	refuse(BEARER "base_url = ${url}/v2\n[parameters]\nurl = https://a.example\n", NULL,
	       ":3:", "must begin with");
	refuse(BEARER "base_url = https://a/${nope}\n", NULL, ":3:", "no parameter nope");
	refuse(BEARER "base_url = https://a/${nope\n", NULL, ":3:", "without }");
	refuse(BEARER "[parameters]\nhost = a b\n", NULL, ":4:", "cannot have");
	refuse(BEARER "[parameters]\nhost = a?b\n", NULL, ":4:", "cannot have");
	refuse(BEARER "[parameters]\nhost = ask:\n", NULL, ":4:", "question");
	refuse(BEARER "[parameters]\nhost = ask: q | a%2f\n", NULL, ":4:", "default");
	refuse(BEARER "[parameters]\nHost = a\n", NULL, ":4:", "not a name for a parameter");
	refuse("[provider]\nauth = bedrock\n", NULL, ":2:", "needs a parameter region");
	refuse("[provider]\nauth = bedrock\n[parameters]\nregion = a.example/x\n", NULL,
	       ":2:", "would leave its place");
}

static void test_set_param(void **state)
{
	struct failure f = { 0 };
	struct provider *p;

	(void)state;
	assert_int_equal(provider_set_param("bedrock", "region", "eu-west-1", &f), 0);
	expect_overlay("bedrock", "[parameters]\nregion = eu-west-1\n");
	put("bedrock", "; mine\r\n[models]\nopus=a ; keep\n[parameters] ; here\n# region = no\n"
		       "  region :  eu-west-1   ; note\n\n[env]\nregion = no\nLAST = 1");
	assert_int_equal(provider_set_param("bedrock", "region", "us-west-2", &f), 0);
	expect_overlay("bedrock", "; mine\r\n[models]\nopus=a ; keep\n[parameters] ; here\n"
				  "# region = no\n  region :  us-west-2   ; note\n\n[env]\n"
				  "region = no\nLAST = 1");
	put("ollama", "[env]\nA = 1");
	assert_int_equal(provider_set_param("ollama", "model", "qwen:7b", &f), 0);
	expect_overlay("ollama", "[env]\nA = 1\n\n[parameters]\nmodel = qwen:7b\n");
	put("ollama", "[parameters]\n; none yet\nmodel=\n\n[env]\nA = 1\n");
	assert_int_equal(provider_set_param("ollama", "model", "m", &f), 0);
	expect_overlay("ollama", "[parameters]\n; none yet\nmodel= m\n\n[env]\nA = 1\n");

	/* asked for by a mode that starts from another provider */
	unlink(overlay("ollama"));
	assert_int_equal(provider_set_param("zai", "model", "local", &f), 0);
	p = load("zai", "local");
	assert_null(provider_missing(p));
	expect_env(p, "ANTHROPIC_MODEL", "local");
	provider_free(p);

	assert_int_equal(provider_set_param("azure", "resource", "a.example/x", &f), -1);
	assert_int_equal(f.code, FAIL_CONFIG);
	assert_int_equal(access(overlay("azure"), F_OK), -1);
	assert_int_equal(provider_set_param("azure", "resource", "a b", &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	assert_int_equal(provider_set_param("azure", "resource", "a\nb", &f), -1);
	/* a key, at the wrong question: in no file */
	assert_int_equal(provider_set_param("cloudflare", "account", "sk-ant-api03-0123", &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	assert_non_null(strstr(f.what, "looks like a key"));
	assert_null(strstr(f.what, "0123"));
	assert_int_equal(access(overlay("cloudflare"), F_OK), -1);
	assert_int_equal(provider_set_param("azure", "resorce", "a", &f), -1);
	assert_int_equal(f.code, FAIL_NO_ENTRY);
	assert_int_equal(provider_set_param("nosuch", "a", "b", &f), -1);
}

static void test_unknown(void **state)
{
	struct failure f;

	(void)state;
	f = refused("openruter", NULL);
	assert_int_equal(f.code, FAIL_NO_ENTRY);
	assert_string_equal(f.hint,
			    "did you mean openrouter? ccctl edit openruter makes one of your own");
	f = refused("qqqqqqqqqqqqqq", NULL);
	assert_int_equal(f.code, FAIL_NO_ENTRY);
	assert_int_equal(refused("../../etc/passwd", NULL).code, FAIL_USAGE);
	assert_int_equal(refused(".hidden", NULL).code, FAIL_USAGE);
	assert_int_equal(refused("", NULL).code, FAIL_USAGE);
	assert_int_equal(refused("a/b", NULL).code, FAIL_USAGE);
}

static void test_nearest(void **state)
{
	static const char *const words[] = { "title", "base_url", "auth", "secret" };

	(void)state;
	assert_string_equal(nearest_word("Base-URL", words, 4), "base_url");
	assert_string_equal(nearest_word("baseurl", words, 4), "base_url");
	assert_string_equal(nearest_word("auht", words, 4), "auth");
	assert_null(nearest_word("zzzzzzz", words, 4));
	assert_null(nearest_word("", words, 4));
}

static void test_prices(void **state)
{
	struct provider *p;

	(void)state;
	put("x", "[provider]\nauth = bearer\nbase_url = https://a.example\n[prices]\n"
		 "model-one = 3 15 0.30 3.75\nmodel-* =  1\t5 \ntaken-back =\n");
	p = load("x", NULL);
	assert_int_equal(p->prices, 2);
	assert_string_equal(p->price[0].model, "model-one");
	assert_int_equal(p->price[0].prices.per_million[TOKENS_INPUT], 3000000);
	assert_int_equal(p->price[0].prices.per_million[TOKENS_OUTPUT], 15000000);
	assert_int_equal(p->price[0].prices.per_million[TOKENS_CACHE_READ], 300000);
	assert_int_equal(p->price[0].prices.per_million[TOKENS_CACHE_WRITE], 3750000);
	assert_non_null(strstr(p->price_where[0], "providers/x.conf:"));
	assert_string_equal(p->price[1].model, "model-*");
	assert_int_equal(p->price[1].prices.per_million[TOKENS_OUTPUT], 5000000);
	assert_false(p->price[1].prices.known[TOKENS_CACHE_READ]);
	provider_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_shipped, empty),
		cmocka_unit_test_setup(test_shipped_values, empty),
		cmocka_unit_test_setup(test_clouds, empty),
		cmocka_unit_test_setup(test_vertex_origin, empty),
		cmocka_unit_test_setup(test_overlay, empty),
		cmocka_unit_test_setup(test_use, empty),
		cmocka_unit_test_setup(test_cycles, empty),
		cmocka_unit_test_setup(test_modes, empty),
		cmocka_unit_test_setup(test_mode_secrets, empty),
		cmocka_unit_test_setup(test_parameters, empty),
		cmocka_unit_test_setup(test_set_param, empty),
		cmocka_unit_test_setup(test_unknown, empty),
		cmocka_unit_test_setup(test_nearest, empty),
		cmocka_unit_test_setup(test_prices, empty),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
