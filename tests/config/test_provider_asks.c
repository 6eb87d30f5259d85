/*
 * tests/config/test_provider_asks.c - what a provider's file leaves to a person:
 * choices, a whole address, the kind of credential, the client's directory;
 * and what it says of itself.
 */
#include "config/provider/params.h"
#include "config/provider/overlay.h"
#include "tests/config/provider_fixture.h"

static const char *env_of(const struct provider *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->envs; i++)
		if (strcmp(p->env[i].name, name) == 0)
			return p->env[i].value;
	return NULL;
}

#define REGION                                                            \
	BEARER "base_url = https://${region}.example.com\n[parameters]\n" \
	       "region = ask: which region | intl,cn ,  us-east-1\n"

static void test_choices(void **state)
{
	struct provider *p;
	struct failure f = { 0 };

	(void)state;
	/* an answer goes into the file of the provider that was asked for */
	put("q", REGION);
	put("x", "[provider]\nuse = q\n");
	p = load("x", NULL);
	assert_string_equal(p->param[0].ask, "which region");
	assert_string_equal(p->param[0].fallback, "intl");
	assert_string_equal(p->param[0].choices, "intl, cn, us-east-1");
	assert_ptr_equal(provider_missing(p), &p->param[0]);
	assert_true(params_choice_ok(&p->param[0], "cn"));
	assert_true(params_choice_ok(&p->param[0], "us-east-1"));
	assert_false(params_choice_ok(&p->param[0], "us"));
	assert_false(params_choice_ok(&p->param[0], "cn, us-east-1"));
	assert_false(params_choice_ok(&p->param[0], ""));
	provider_free(p);
	assert_int_equal(provider_set_param("x", "region", "eu", &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	assert_string_equal(f.hint, "it is one of intl, cn, us-east-1");
	assert_int_equal(provider_set_param("x", "region", "us-east-1", &f), 0);
	p = load("x", NULL);
	assert_string_equal(p->base_url, "https://us-east-1.example.com");
	provider_free(p);
	/* written by hand */
	put("y", "[provider]\nuse = q\n[parameters]\nregion = eu\n");
	f = refused("y", NULL);
	assert_non_null(strstr(f.what, "y.conf:4: region cannot be eu"));
	assert_string_equal(f.hint, "it is one of intl, cn, us-east-1");
	/* one value behind the bar is a default and no choice */
	put("z", BEARER "[parameters]\nregion = ask: which | intl\n");
	p = load("z", NULL);
	assert_string_equal(p->param[0].choices, "");
	assert_true(params_choice_ok(&p->param[0], "anything"));
	provider_free(p);
}

static void test_choices_that_are_none(void **state)
{
	char text[600] = BEARER "[parameters]\na = ask: which | ";
	unsigned i;

	(void)state;
	refuse(BEARER "[parameters]\na = ask: which | x, y z\n", NULL, ":4:", "characters");
	refuse(BEARER "[parameters]\na = ask: which | x,, y\n", NULL, ":4:", "characters");
	refuse(BEARER "[parameters]\na = ask: which | , x\n", NULL, ":4:", "characters");
	for (i = 0; i < 40; i++)
		strcat(text, "abcdefgh,");
	strcat(text, "i\n");
	refuse(text, NULL, ":4:", "too long");
}

#define WHOLE                                                                               \
	"[provider]\nbase_url = ${url}\nauth = ${auth}\n[parameters]\nurl = ask: address\n" \
	"auth = ask: kind | bearer, api-key, none\n"

static void test_a_whole_address(void **state)
{
	static const char *const bad[] = { "llm.example.com", "ftp://a",	"https://",
					   "https://u@a",     "https://a/../b", "https://a:x",
					   "https:///a" };
	struct provider *p;
	struct failure f = { 0 };
	unsigned i;

	(void)state;
	put("x", WHOLE);
	p = load("x", NULL);
	assert_string_equal(provider_missing(p)->name, "url");
	assert_string_equal(p->origin, "bearer ${url}");
	provider_free(p);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(provider_set_param("x", "url", bad[i], &f), -1);
		assert_int_equal(f.code, FAIL_CONFIG);
		assert_non_null(strstr(f.what, "base_url"));
	}
	assert_int_equal(provider_set_param("x", "url", "http://localhost:8000/v1/", &f), 0);
	p = load("x", NULL);
	assert_string_equal(p->base_url, "http://localhost:8000");
	assert_true(p->local);
	assert_string_equal(env_of(p, "ANTHROPIC_BASE_URL"), "http://localhost:8000");
	provider_free(p);
	/* with anything beside it, it is a part of a host and keeps to its place */
	put("y", BEARER "base_url = ${url}/x\n[parameters]\nurl = https://a\n");
	assert_int_equal(refused("y", NULL).code, FAIL_CONFIG);
}

static void test_the_kind_of_credential(void **state)
{
	static const struct {
		const char *value, *origin, *variable;
	} table[] = {
		{ "bearer", "bearer https://a", "ANTHROPIC_AUTH_TOKEN" },
		{ "api-key", "api-key https://a", "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR" },
		{ "none", "none https://a", NULL },
	};
	struct failure f = { 0 };
	struct provider *p;
	unsigned i;

	(void)state;
	put("q", WHOLE);
	put("x", "[provider]\nuse = q\n");
	assert_int_equal(provider_set_param("x", "url", "https://a", &f), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(provider_set_param("x", "auth", table[i].value, &f), 0);
		p = load("x", NULL);
		assert_null(provider_missing(p));
		assert_string_equal(p->origin, table[i].origin);
		assert_int_equal(p->secrets, table[i].variable ? 1 : 0);
		if (table[i].variable) {
			assert_string_equal(p->secret[0].variable, table[i].variable);
			assert_string_equal(p->secret[0].entry, "q");
		}
		provider_free(p);
	}
	assert_int_equal(provider_set_param("x", "auth", "vertex", &f), -1);
	assert_string_equal(f.hint, "it is one of bearer, api-key, none");
	refuse("[provider]\nauth = ${kind}\n[parameters]\nkind = ask: kind\n", NULL,
	       ":2:", "auth: unknown");
	refuse("[provider]\nauth = ${what}\n", NULL, ":2:", "no parameter what");
}

static void test_config_dir(void **state)
{
	static const struct {
		const char *written, *under;
	} table[] = {
		{ "~/.claude-work", "/.claude-work" },
		{ "$XDG_CONFIG_HOME/claude-work", "/claude-work" }, /* the fixture's is home */
		{ "$XDG_STATE_HOME/c", "/.local/state/c" },
		{ "$XDG_DATA_HOME/c", "/.local/share/c" },
	};
	char text[256], path[PATH_SIZE];
	struct provider *p;
	unsigned i;

	(void)state;
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_DATA_HOME");
	for (i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), BEARER "[policy]\nconfig_dir = %s\n",
			 table[i].written);
		put("x", text);
		p = load("x", NULL);
		snprintf(path, sizeof(path), "%s%s", home, table[i].under);
		assert_string_equal(env_of(p, "CLAUDE_CONFIG_DIR"), path);
		assert_string_equal(p->policy.config_dir, table[i].written);
		provider_free(p);
	}
	/* a mode's own; taken back by an empty one; of the provider that is used */
	put("x", BEARER "[policy]\nconfig_dir = /a\n[mode m policy]\nconfig_dir = /b\n");
	p = load("x", "m");
	assert_string_equal(env_of(p, "CLAUDE_CONFIG_DIR"), "/b");
	provider_free(p);
	put("y", "[provider]\nuse = x\n");
	p = load("y", NULL);
	assert_string_equal(env_of(p, "CLAUDE_CONFIG_DIR"), "/a");
	provider_free(p);
	put("y", "[provider]\nuse = x\n[policy]\nconfig_dir =\n");
	p = load("y", NULL);
	assert_null(env_of(p, "CLAUDE_CONFIG_DIR"));
	provider_free(p);
	refuse(BEARER "[policy]\nconfig_dir = work\n", NULL, ":4:", "config_dir is a directory");
	refuse(BEARER "[policy]\nconfig_dir = ~/../x\n", NULL, ":4:", "config_dir is a directory");
	refuse(BEARER "[env]\nCLAUDE_CONFIG_DIR = /a\n", NULL,
	       ":4:", "CLAUDE_CONFIG_DIR cannot be set");
	assert_string_equal(refused("x", NULL).hint, "write config_dir = in [policy]");
}

/* Side traffic with a subscription's token goes to the vendor, not to the endpoint. */
static void test_oauth_is_quiet_elsewhere(void **state)
{
	static const char quiet[] = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC";
	struct provider *p;

	(void)state;
	put("x", "[provider]\nauth = oauth\n");
	p = load("x", NULL);
	assert_null(env_of(p, quiet));
	provider_free(p);
	put("x", "[provider]\nauth = oauth\nbase_url = https://gateway.example.com\n");
	p = load("x", NULL);
	assert_string_equal(env_of(p, quiet), "1");
	provider_free(p);
}

static void test_unverified(void **state)
{
	static const struct {
		const char *verified, *list;
	} table[] = {
		{ "no, from documentation; seen at a loopback endpoint", "from documentation" },
		{ "no, from other tools", "from other tools" },
		{ "no", "see its file" },
		{ "no; text", "see its file" },
		{ "no, a reason that is longer than what a list has room for in one of its lines",
		  "see its file" },
		{ "yes, with a real key", "" },
		{ "nobody asked", "" },
		{ "", "" },
	};
	char text[256];
	struct provider *p;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		/* ; begins a comment behind a blank, so it stands at the word */
		snprintf(text, sizeof(text), BEARER "verified = %s\n", table[i].verified);
		put("x", text);
		p = load("x", NULL);
		assert_string_equal(p->unverified, table[i].list);
		provider_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_choices, empty),
		cmocka_unit_test_setup(test_choices_that_are_none, empty),
		cmocka_unit_test_setup(test_a_whole_address, empty),
		cmocka_unit_test_setup(test_the_kind_of_credential, empty),
		cmocka_unit_test_setup(test_config_dir, empty),
		cmocka_unit_test_setup(test_oauth_is_quiet_elsewhere, empty),
		cmocka_unit_test_setup(test_unverified, empty),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
