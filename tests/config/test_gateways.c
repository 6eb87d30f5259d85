/*
 * tests/config/test_gateways.c - what gateways and clouds want said: headers, betas, models,
 * regions, kinds of credential; what of it is sealed; and what of the person's own
 * environment passes.
 */
#include "tests/config/provider_fixture.h"

#include "config/provider/delivery.h"
#include "config/provider/env_sealed.h"
#include "config/provider/environment.h"
#include "config/provider/own_variables.h"

#define HEAD BEARER "base_url = https://a.test\n"

static const char *value(const struct provider *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->envs; i++)
		if (strcmp(p->env[i].name, name) == 0)
			return p->env[i].value;
	return NULL;
}

static void expect(const struct provider *p, const char *name, const char *wanted)
{
	if (!value(p, name))
		fail_msg("%s is not set", name);
	assert_string_equal(value(p, name), wanted);
}

static void expect_sealed(const struct provider *p, const char *lines)
{
	char out[ENV_SEALED_MAX + 1];
	struct failure f = { 0 };

	assert_int_equal(provider_env_sealed(p, out, &f), (int)strlen(lines));
	assert_string_equal(out, lines);
}

static void test_headers_are_said_and_sealed(void **state)
{
	struct provider *p;

	(void)state;
	put("x", HEAD "[parameters]\nteam = blue\n[headers]\nx-team = ${team}\n"
		      "x-portkey-config = pc 1: a=b\n[env]\nAA = 1\n"
		      "[mode m]\ntitle = M\n[mode m headers]\nx-team =\nx-more = 2\n");
	p = load("x", NULL);
	assert_int_equal(p->headers, 2);
	expect(p, "ANTHROPIC_CUSTOM_HEADERS", "x-team: blue\nx-portkey-config: pc 1: a=b");
	expect_sealed(p, "AA=1\nheader:x-portkey-config=pc 1: a=b\nheader:x-team=blue\n");
	provider_free(p);
	p = load("x", "m");
	expect(p, "ANTHROPIC_CUSTOM_HEADERS", "x-portkey-config: pc 1: a=b\nx-more: 2");
	expect_sealed(p, "AA=1\nheader:x-more=2\nheader:x-portkey-config=pc 1: a=b\n");
	provider_free(p);
}

static void test_headers_that_none_may_say(void **state)
{
	static const struct {
		const char *line, *hint;
	} said[] = {
		{ "authorization = Bearer x", "[secrets]" },
		{ "X-Api-Key = abc", "[secrets]" },
		{ "api-key = abc", "[secrets]" },
		{ "cookie = abc", "[secrets]" },
		{ "anthropic-beta = a", "[betas]" },
		{ "anthropic-workspace-id = a", "workspace" },
		{ "x-amzn-bedrock-service-tier = a", "service_tier" },
		{ "host = a", "base_url" },
	};
	char text[256], line[HEADERS_MAX * 24 + 200] = HEAD "[headers]\n";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		snprintf(text, sizeof(text), HEAD "[headers]\n%s\n", said[i].line);
		refuse(text, NULL, ":5:", "cannot be set in [headers]");
		assert_non_null(strstr(refused("x", NULL).hint, said[i].hint));
	}
	refuse(HEAD "[headers]\nx_a = 1\n", NULL, ":5:", "not a name for a header");
	refuse(HEAD "[headers]\nX-A = 1\n", NULL, ":5:", "not a name for a header");
	assert_non_null(strstr(refused("x", NULL).hint, "lower-case"));
	refuse(HEAD "[headers]\nx-a = 1\nx-a = 2\n", NULL, ":6:", "there already");
	refuse(HEAD "[headers]\nx-a = sk-0123456789\n", NULL, ":5:", "looks like a key");
	refuse(HEAD "[headers]\nx-a = \xc3\xa4\n", NULL, ":5:", "ASCII");
	refuse(HEAD "[secrets]\nheader:x-a = Bearer e\n[headers]\nx-a = 1\n", NULL,
	       ":7:", "in [secrets] already");
	for (i = 0; i <= HEADERS_MAX; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "x-%zu = 1\n", i);
	refuse(line, NULL, "", "more than");
}

static void test_a_scheme_before_a_secret(void **state)
{
	struct provider *p;
	char why[160];

	(void)state;
	put("x", HEAD "[secrets]\nANTHROPIC_AUTH_TOKEN = a\n"
		      "header:cf-aig-authorization = Bearer  b\nheader:x-key = c\n");
	p = load("x", NULL);
	assert_string_equal(p->secret[1].variable, "header:cf-aig-authorization:Bearer");
	assert_string_equal(p->secret[1].entry, "b");
	assert_string_equal(p->secret[2].variable, "header:x-key");
	assert_true(relay_carries(p, why, sizeof(why)) && secrets_have_header(p));
	provider_free(p);
	refuse(HEAD "[secrets]\nheader:x = Bearer: b\n", NULL, ":5:", "no scheme");
	refuse(HEAD "[secrets]\nheader:x = 1 b\n", NULL, ":5:", "no scheme");
	refuse(HEAD "[secrets]\nheader:x = Bearer sk-012345\n", NULL, ":5:", "vault entry");
	refuse(HEAD "[secrets]\nheader:x:Bearer = b\n", NULL, ":5:", "before the entry");
}

static void test_betas(void **state)
{
	struct provider *p;

	(void)state;
	put("x", HEAD "[betas]\ncontext-1m-2025-08-07 = yes\nb = no\nc.d_e-1 = yes\n");
	p = load("x", NULL);
	expect(p, "ANTHROPIC_BETAS", "context-1m-2025-08-07,c.d_e-1");
	expect_sealed(p, "");
	provider_free(p);
	put("x", HEAD "[betas]\na = no\n");
	p = load("x", NULL);
	assert_null(value(p, "ANTHROPIC_BETAS"));
	provider_free(p);
	refuse(HEAD "[betas]\na = 1\n", NULL, ":5:", "yes or no");
	refuse(HEAD "[betas]\na,b = yes\n", NULL, ":5:", "not a name for a beta");
}

static void test_every_variable_of_models(void **state)
{
	static const struct {
		const char *line, *name, *value;
	} said[] = {
		{ "default = m", "ANTHROPIC_MODEL", "m" },
		{ "initial = m", "ANTHROPIC_DEFAULT_MODEL", "m" },
		{ "fable_name = A model", "ANTHROPIC_DEFAULT_FABLE_MODEL_NAME", "A model" },
		{ "opus_description = for work", "ANTHROPIC_DEFAULT_OPUS_MODEL_DESCRIPTION",
		  "for work" },
		{ "sonnet_capabilities = effort,thinking",
		  "ANTHROPIC_DEFAULT_SONNET_MODEL_SUPPORTED_CAPABILITIES", "effort,thinking" },
		{ "haiku = m", "ANTHROPIC_DEFAULT_HAIKU_MODEL", "m" },
		{ "option = v/m:1", "ANTHROPIC_CUSTOM_MODEL_OPTION", "v/m:1" },
		{ "option_name = Mine", "ANTHROPIC_CUSTOM_MODEL_OPTION_NAME", "Mine" },
		{ "option_description = d", "ANTHROPIC_CUSTOM_MODEL_OPTION_DESCRIPTION", "d" },
		{ "option_capabilities = c", "ANTHROPIC_CUSTOM_MODEL_OPTION_SUPPORTED_CAPABILITIES",
		  "c" },
		{ "subagent = m", "CLAUDE_CODE_SUBAGENT_MODEL", "m" },
		{ "subagent_force = yes", "CLAUDE_CODE_SUBAGENT_MODEL_FORCE", "1" },
		{ "workflow = m", "CLAUDE_CODE_WORKFLOW_SUBAGENT_MODEL", "m" },
		{ "auto_mode = m", "CLAUDE_CODE_AUTO_MODE_MODEL", "m" },
		{ "background = m", "CLAUDE_CODE_BG_CLASSIFIER_MODEL", "m" },
		{ "context = 200000", "CLAUDE_CODE_MAX_CONTEXT_TOKENS", "200000" },
	};
	struct provider *p;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		snprintf(text, sizeof(text), HEAD "[models]\n%s\n", said[i].line);
		put("x", text);
		p = load("x", NULL);
		expect(p, said[i].name, said[i].value);
		expect_sealed(p, "");
		provider_free(p);
	}
	put("x", HEAD "[models]\nsubagent_force = no\n");
	p = load("x", NULL);
	assert_null(value(p, "CLAUDE_CODE_SUBAGENT_MODEL_FORCE"));
	provider_free(p);
	refuse(HEAD "[models]\nsubagent_force = 1\n", NULL, ":5:", "yes or no");
	refuse(HEAD "[models]\nservice_tier = flex\n", NULL, ":5:", "goes with auth = bedrock");
	refuse(HEAD "[models]\nopus_nam = x\n", NULL, ":5:", "opus_nam");
	assert_non_null(strstr(refused("x", NULL).hint, "opus_name"));
	put("x", "[provider]\nauth = bedrock\n[parameters]\nregion = eu-west-1\n"
		 "[models]\nservice_tier = flex\n");
	p = load("x", NULL);
	expect(p, "ANTHROPIC_BEDROCK_SERVICE_TIER", "flex");
	provider_free(p);
}

#define VERTEX "[provider]\nauth = vertex\n[parameters]\nregion = us-east5\nproject = p\n"
#define BEDROCK "[provider]\nauth = bedrock\n[parameters]\nregion = us-east-1\n"

static void test_a_region_for_a_model(void **state)
{
	struct provider *p;

	(void)state;
	put("x", VERTEX "[regions]\nclaude-sonnet-4-5 = eu\nclaude-haiku-4-5 = us-east5\n"
			"VERTEX_REGION_CLAUDE_9_OPUS = global\n");
	p = load("x", NULL);
	expect(p, "VERTEX_REGION_CLAUDE_4_5_SONNET", "eu");
	expect(p, "VERTEX_REGION_CLAUDE_HAIKU_4_5", "us-east5");
	expect(p, "VERTEX_REGION_CLAUDE_9_OPUS", "global");
	/* they name hosts */
	expect_sealed(p, "VERTEX_REGION_CLAUDE_4_5_SONNET=eu\nVERTEX_REGION_CLAUDE_9_OPUS=global\n"
			 "VERTEX_REGION_CLAUDE_HAIKU_4_5=us-east5\n");
	provider_free(p);
	put("x", BEDROCK "[regions]\nsmall = us-west-2\nprefix = global\n");
	p = load("x", NULL);
	expect(p, "ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION", "us-west-2");
	expect(p, "ANTHROPIC_BEDROCK_REGION_PREFIX", "global");
	provider_free(p);
	refuse(VERTEX "[regions]\nclaude-sonet-4-5 = eu\n", NULL, ":7:", "claude-sonet-4-5");
	assert_non_null(strstr(refused("x", NULL).hint, "claude-sonnet-4-5"));
	refuse(VERTEX "[regions]\nclaude-opus-4 = evil.test/\n", NULL, ":7:", "not a region");
	refuse(VERTEX "[regions]\nsmall = us-west-2\n", NULL, ":7:", "goes with auth = bedrock");
	refuse(BEDROCK "[regions]\nclaude-opus-4 = eu\n", NULL, ":6:", "goes with auth = vertex");
	refuse(HEAD "[regions]\nVERTEX_REGION_OPUS = eu\n", NULL, ":5:", "VERTEX_REGION_OPUS");
}

static void test_where_each_cloud_is(void **state)
{
	static const struct {
		const char *auth, *parameters, *origin;
		enum delivery usual;
	} clouds[] = {
		{ "mantle", "region = eu-west-1",
		  "mantle https://bedrock-mantle.eu-west-1.api.aws/anthropic", DELIVERY_RELAY },
		{ "claude-aws", "region = eu-west-1\nworkspace = w",
		  "claude-aws https://aws-external-anthropic.eu-west-1.api.aws", DELIVERY_RELAY },
		{ "claude-google", "region = global\nproject = p\nworkspace = w",
		  "claude-google https://claude.googleapis.com", DELIVERY_PRELOAD },
		{ "foundry-token", "resource = r",
		  "foundry-token https://r.services.ai.azure.com/anthropic", DELIVERY_RELAY },
		{ "vertex", "region = us\nproject = p",
		  "vertex https://aiplatform.us.rep.googleapis.com", DELIVERY_PRELOAD },
		{ "vertex", "region = eu\nproject = p",
		  "vertex https://aiplatform.eu.rep.googleapis.com", DELIVERY_PRELOAD },
	};
	struct provider *p;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(clouds) / sizeof(clouds[0]); i++) {
		snprintf(text, sizeof(text), "[provider]\nauth = %s\n[parameters]\n%s\n",
			 clouds[i].auth, clouds[i].parameters);
		put("x", text);
		p = load("x", NULL);
		assert_string_equal(p->origin, clouds[i].origin);
		assert_int_equal(provider_delivery_usual(p), clouds[i].usual);
		provider_free(p);
	}
	refuse("[provider]\nauth = claude-aws\n[parameters]\nregion = r\n", NULL,
	       ":2:", "needs a parameter workspace");
	refuse("[provider]\nauth = gateway\n", NULL, ":2:", "needs a base_url");
	refuse("[provider]\nauth = mantel\n", NULL, ":2:", "unknown kind");
	assert_non_null(strstr(refused("x", NULL).hint, "mantle"));
}

static void expect_own(const char *text, const char *entry, const char *names)
{
	char *env[] = { (char *)(uintptr_t)entry, NULL };
	const char *equals = strchr(entry, '=');
	struct own_variables own;
	struct env_change *c;
	struct provider *p;
	int i, n;

	put("x", text);
	p = load("x", NULL);
	own_variables_find(p, env, &own);
	if (strcmp(own.names, names) != 0)
		fail_msg("%s: '%s', not '%s'", entry, own.names, names);
	/* What a person is not told of reaches the client: as it is, or as the file says it. */
	n = environment_plan(p, false, NULL, env, &c);
	for (i = 0; i < n; i++)
		if (c[i].action == ENV_UNSET && !names[0] &&
		    strncmp(c[i].name, entry, (size_t)(equals - entry)) == 0)
			fail_msg("%s is dropped, and nobody says so", entry);
	free(c);
	provider_free(p);
}

static void test_a_persons_own_variables(void **state)
{
	(void)state;
	expect_own(HEAD, "ANTHROPIC_BETAS=a-1,b-2", "");
	expect_own(HEAD, "ANTHROPIC_BETAS=a\r\nx: y", "ANTHROPIC_BETAS");
	expect_own(HEAD "[betas]\na = yes\n", "ANTHROPIC_BETAS=b", "ANTHROPIC_BETAS");
	expect_own(HEAD, "CLAUDE_CODE_SUBAGENT_MODEL_FORCE=1", "");
	expect_own(HEAD, "ANTHROPIC_MODEL=m", "ANTHROPIC_MODEL");
	expect_own(HEAD "[models]\ndefault = m\n", "ANTHROPIC_MODEL=m", "");
	expect_own(HEAD "[models]\ndefault = other\n", "ANTHROPIC_MODEL=m", "ANTHROPIC_MODEL");
	expect_own(HEAD, "ANTHROPIC_CUSTOM_HEADERS=a: b", "ANTHROPIC_CUSTOM_HEADERS");
	expect_own(HEAD, "ANTHROPIC_DEFAULT_\033[2J\302\233x=m", "ANTHROPIC_DEFAULT_?[2J?x");
	expect_own(HEAD, "ANTHROPIC_DEFAULT_OPUS_MODEL_NAME=m",
		   "ANTHROPIC_DEFAULT_OPUS_MODEL_NAME");
	expect_own(VERTEX, "VERTEX_REGION_CLAUDE_4_5_SONNET=eu", "");
	expect_own(VERTEX, "VERTEX_REGION_CLAUDE_4_5_SONNET=evil.test/",
		   "VERTEX_REGION_CLAUDE_4_5_SONNET");
	expect_own(HEAD, "VERTEX_REGION_CLAUDE_4_5_SONNET=eu", "VERTEX_REGION_CLAUDE_4_5_SONNET");
	expect_own(BEDROCK, "ANTHROPIC_BEDROCK_SERVICE_TIER=flex", "");
	expect_own(BEDROCK, "ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION=us-west-2", "");
	/* a key of the vault's goes to the sealed region alone */
	expect_own(BEDROCK "[secrets]\nAWS_BEARER_TOKEN_BEDROCK = b\n",
		   "ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION=us-west-2",
		   "ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION");
}

static void test_names_are_said_once_and_whole(void **state)
{
	char *env[] = { (char *)"CLAUDE_CODE_SUBAGENT_MODEL=a",
			(char *)"ANTHROPIC_MODEL=b",
			(char *)"ANTHROPIC_DEFAULT_OPUS_MODEL_NAME=c",
			(char *)"ANTHROPIC_DEFAULT_OPUS_MODEL=d",
			(char *)"ANTHROPIC_CUSTOM_HEADERS=e: f",
			(char *)"ANTHROPIC_MODEL=g",
			NULL };
	struct own_variables own;
	struct provider *p;

	(void)state;
	put("x", HEAD);
	p = load("x", NULL);
	own_variables_find(p, env, &own);
	assert_string_equal(own.names,
			    "CLAUDE_CODE_SUBAGENT_MODEL, ANTHROPIC_MODEL, "
			    "ANTHROPIC_DEFAULT_OPUS_MODEL_NAME, ANTHROPIC_DEFAULT_OPUS_MODEL, "
			    "ANTHROPIC_CUSTOM_HEADERS");
	assert_string_equal(own.places, "[models], [headers]");
	assert_false(own.more);
	provider_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_headers_are_said_and_sealed, empty),
		cmocka_unit_test_setup(test_headers_that_none_may_say, empty),
		cmocka_unit_test_setup(test_a_scheme_before_a_secret, empty),
		cmocka_unit_test_setup(test_betas, empty),
		cmocka_unit_test_setup(test_every_variable_of_models, empty),
		cmocka_unit_test_setup(test_a_region_for_a_model, empty),
		cmocka_unit_test_setup(test_where_each_cloud_is, empty),
		cmocka_unit_test_setup(test_a_persons_own_variables, empty),
		cmocka_unit_test_setup(test_names_are_said_once_and_whole, empty),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
