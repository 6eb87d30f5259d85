/*
 * tests/config/test_provider_refused.c - what a provider's file may not say:
 * each refusal names the file and the line, and never the value.
 */
#include "tests/config/provider_fixture.h"

static void test_words(void **state)
{
	struct failure f;

	(void)state;
	refuse(BEARER "base_urll = https://a\n", NULL,
	       ":3:", "unknown key base_urll in [provider]");
	f = refused("x", NULL);
	assert_string_equal(f.hint, "did you mean base_url?");
	refuse(BEARER "qqqqqqq = 1\n", NULL, ":3:", "unknown key");
	f = refused("x", NULL);
	assert_non_null(strstr(f.hint, "known are: title"));
	refuse(BEARER "[model]\nopus = a\n", NULL, ":3:", "unknown section [model]");
	refuse(BEARER "[models]\nopsu = a\n", NULL, ":4:", "unknown key opsu");
	refuse(BEARER "[policy]\nnestet = allow\n", NULL, ":4:", "unknown key nestet");
	refuse(BEARER "[policy]\nnested = maybe\n", NULL, ":4:", "nested");
	refuse(BEARER "[policy]\nexposed = yes\n", NULL, ":4:", "exposed is no key");
	refuse(BEARER "[mode a b]\n", NULL, ":3:", "unknown section of a mode");
	refuse(BEARER "[mode]\n", NULL, ":3:", "not a name for a mode");
	refuse(BEARER "[mode print]\n", NULL, ":3:", "option --print");
	refuse(BEARER "[mode remote env]\n", NULL, ":3:", "option --remote");
	refuse(BEARER "[mode -x]\n", NULL, ":3:", "not a name for a mode");
	refuse("auth = bearer\n", NULL, ":1:", "outside of a section");
	refuse("[provider]\n", NULL, "", "no auth");
	refuse("[provider]\nauth = baerer\n", NULL, ":2:", "auth: unknown");
	f = refused("x", NULL);
	assert_string_equal(f.hint, "did you mean bearer?");
	refuse(BEARER "[prices]\nm = 3\n", NULL, ":4:", "prices are INPUT OUTPUT");
	refuse(BEARER "[prices]\nm = 3 15 1\n", NULL, ":4:", "prices are INPUT OUTPUT");
	refuse(BEARER "[prices]\nm = 3 15 1 2 3\n", NULL, ":4:", "prices are INPUT OUTPUT");
	refuse(BEARER "[prices]\nm = 3 -15\n", NULL, ":4:", "prices are INPUT OUTPUT");
	refuse(BEARER "[prices]\nm = 3 10001\n", NULL, ":4:", "prices are INPUT OUTPUT");
	refuse(BEARER "[prices]\nm*x = 3 15\n", NULL, ":4:", "no name of a model");
	refuse(BEARER "[mode a prices]\nm = 3 15\n", NULL, ":3:", "unknown section of a mode");
	put("x", BEARER "[usage]\nkind = zai\n[statusline]\nlabel = X\ncolour = red\n");
	provider_free(load("x", NULL));
}

static void test_syntax(void **state)
{
	char text[4096], section[128];

	(void)state;
	refuse(BEARER "auth = bearer\n", NULL, ":3:", "auth is there already, at line 2");
	refuse("[env]\nA = 1\n[provider]\nauth = bearer\n[env]\nA = 2\n", NULL, ":6:", "at line 2");
	refuse(BEARER "sk-or-v1-0123456789abcdef\n", NULL, ":3:", "neither a section");
	assert_null(strstr(refused("x", NULL).what, "0123456789"));
	refuse("[provider\nauth = bearer\n", NULL, ":1:", "without ']'");
	refuse("[provider] auth = bearer\n", NULL, ":1:", "behind a section's heading");
	refuse("[]\n", NULL, ":1:", "1 to 48");
	memset(section, 'a', 100);
	snprintf(text, sizeof(text), BEARER "[mode %.60s]\n", section);
	refuse(text, NULL, ":3:", "1 to 48");
	refuse(BEARER " = 1\n", NULL, ":3:", "without a key");
	refuse(BEARER "title = a\033[2Jb\n", NULL, ":3:", "control character");
	refuse(BEARER "title = a\rb\n", NULL, ":3:", "control character");
	refuse(BEARER "title = a\xc2\x9b"
		      "2J\n",
	       NULL, ":3:", "control character");
	snprintf(text, sizeof(text), BEARER "title = %03000d\n", 1);
	refuse(text, NULL, ":3:", "longer than 2000");
	snprintf(text, sizeof(text), BEARER "title = %0200d\n", 1);
	refuse(text, NULL, ":3:", "title is longer than 127");
	snprintf(text, sizeof(text), BEARER "base_url = https://a/%01100d\n", 1);
	refuse(text, NULL, ":3:", "base_url is longer than 1024");
	/* what is fine: indentation, CRLF, a byte order mark, a long line */
	snprintf(text, sizeof(text),
		 "\xef\xbb\xbf[provider]\r\n  auth = bearer\r\n[env]\nA = %01000d\n", 7);
	put("x", text);
	provider_free(load("x", NULL));
}

static void test_files(void **state)
{
	static char big[70 * 1024];
	char dir[PATH_SIZE];

	(void)state;
	write_file(overlay("x"), "[provider]\nauth = bearer\n\0[env]\n", 32, 0600);
	assert_non_null(strstr(refused("x", NULL).what, "x.conf:3: a NUL"));
	memset(big, '\n', sizeof(big));
	write_file(overlay("x"), big, sizeof(big), 0600);
	assert_int_equal(refused("x", NULL).code, FAIL_TOO_LARGE);
	write_file(overlay("x"), BEARER, strlen(BEARER), 0620);
	assert_int_equal(refused("x", NULL).code, FAIL_UNSAFE_PATH);
	write_file(overlay("x"), BEARER, strlen(BEARER), 0602);
	assert_int_equal(refused("x", NULL).code, FAIL_UNSAFE_PATH);
	/* a FIFO must not hang us */
	unlink(overlay("x"));
	assert_int_equal(mkfifo(overlay("x"), 0600), 0);
	assert_int_equal(refused("x", NULL).code, FAIL_UNSAFE_PATH);
	/* a link to a good file is a dotfile manager's */
	put("y", BEARER);
	unlink(overlay("x"));
	assert_int_equal(symlink("y.conf", overlay("x")), 0);
	provider_free(load("x", NULL));
	/* whoever may write the directory may put a file there */
	snprintf(dir, sizeof(dir), "%s/ccrun/providers", home);
	chmod(dir, 0777);
	assert_int_equal(refused("x", NULL).code, FAIL_UNSAFE_PATH);
	assert_int_equal(refused("zai", NULL).code, FAIL_UNSAFE_PATH);
	chmod(dir, 0700);
}

static void test_no_overlay_directory(void **state)
{
	char away[PATH_SIZE];

	(void)state;
	snprintf(away, sizeof(away), "%s/none", home);
	setenv("XDG_CONFIG_HOME", away, 1);
	provider_free(load("zai", NULL));
	assert_int_equal(access(away, F_OK), -1);
	setenv("XDG_CONFIG_HOME", home, 1);
}

static void expect_url(const char *url, const char *origin, const char *note, bool local)
{
	char text[512];
	struct provider *p;

	snprintf(text, sizeof(text), BEARER "base_url = %s\n", url);
	put("x", text);
	p = load("x", NULL);
	assert_string_equal(p->origin, origin);
	assert_int_equal(p->local, local);
	if (note ? !strstr(p->note, note) : p->note[0])
		fail_msg("%s: note '%s'", url, p->note);
	provider_free(p);
}

static void test_urls(void **state)
{
	static const char *const bad[] = {
		"ftp://a",	   "HTTPS//a",
		"a.example",	   "https://",
		"https:///x",	   "https://u@a",
		"https://u:p@a",   "https://a?x=1",
		"https://a/b?x",   "https://a/#f",
		"https://a b",	   "https://a\\b",
		"https://a/b\\c",  "https://a:0",
		"https://a:99999", "https://a:8x",
		"https://[::1",	   "https://[zz]",
		"https://[::1]x",  "https://a..b",
		"https://-a",	   "https://a/../b",
		"https://a/./b",   "https://a/%2e%2e/b",
		"https://a/..",	   "https://\xc3\xa4.example",
		"https://a%2eb",   "https://a.example\"",
	};
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), BEARER "base_url = %s\n", bad[i]);
		refuse(text, NULL, ":3:", "base_url ");
		assert_null(strstr(refused("x", NULL).what, bad[i]));
	}
	expect_url("https://a.example/x///", "bearer https://a.example/x", NULL, false);
	expect_url("https://a.example/v1/", "bearer https://a.example", "dropped /v1", false);
	expect_url("https://a.example/v1/v1", "bearer https://a.example", "dropped /v1", false);
	expect_url("HTTPS://A.Example/X/v1/messages", "bearer https://a.example/X", "lower case",
		   false);
	expect_url("https://a.example/xv1", "bearer https://a.example/xv1", NULL, false);
	expect_url("http://a.example:80", "bearer http://a.example:80", "in the clear", false);
	/* Names of multicast DNS: whoever answers. */
	refuse(BEARER "base_url = http://gpu.local:8000\n", NULL, ":3:", "the name gpu.local,");
	refuse(BEARER "base_url = http://GPU.Local./v1\n", NULL, ":3:", "the name gpu.local.,");
	expect_url("https://gpu.local:8000", "bearer https://gpu.local:8000", NULL, false);
	expect_url("http://gpu.local.example", "bearer http://gpu.local.example", "in the clear",
		   false);
	expect_url("http://localhost:1", "bearer http://localhost:1", NULL, true);
	expect_url("http://127.0.0.2", "bearer http://127.0.0.2", NULL, true);
	expect_url("http://[::1]:8/x", "bearer http://[::1]:8/x", NULL, true);
	expect_url("https://127.evil.example", "bearer https://127.evil.example", NULL, false);
	expect_url("https://localhost.example", "bearer https://localhost.example", NULL, false);
}

static void test_env(void **state)
{
	static const char *const bad[][2] = {
		{ "ANTHROPIC_BASE_URL", "base_url" },
		{ "ANTHROPIC_API_KEY", "auth = api-key" },
		{ "ANTHROPIC_DEFAULT_OPUS_MODEL", "opus =" },
		{ "CLAUDE_CODE_MAX_CONTEXT_TOKENS", "context =" },
		{ "CLAUDE_CODE_SKIP_VERTEX_AUTH", "skip_auth" },
		{ "CLAUDE_CODE_USE_BEDROCK", "auth = bedrock" },
		{ "AWS_REGION", "region" },
		{ "ANTHROPIC_CUSTOM_HEADERS", "vault" },
		{ "MY_SERVICE_TOKEN", "vault" },
		{ "AWS_SECRET_ACCESS_KEY", "vault" },
		{ "NODE_OPTIONS", "programs run" },
		{ "BUN_INSPECT", "programs run" },
		{ "LD_LIBRARY_PATH", "programs run" },
		{ "RES_OPTIONS", "programs run" },
		{ "LOCALDOMAIN", "programs run" },
		{ "PATH", "programs run" },
		{ "HOME", "programs run" },
		{ "CCRUN_PROVIDER", "[provider]" },
		{ "NODE_TLS_REJECT_UNAUTHORIZED", "[provider]" },
		{ "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "[provider]" },
		{ "HTTPS_PROXY", "network" },
		{ "no_proxy", "network" },
		{ "AWS_ENDPOINT_URL_STS", "network" },
	};
	char text[256];
	struct failure f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), BEARER "[env]\n%s = v4lue\n", bad[i][0]);
		refuse(text, NULL, ":4:", bad[i][0]);
		f = refused("x", NULL);
		if (!strstr(f.hint, bad[i][1]) || strstr(f.what, "v4lue"))
			fail_msg("%s: %s; %s", bad[i][0], f.what, f.hint);
	}
	refuse(BEARER "[mode m env]\nPATH = /x\n", NULL, ":4:", "PATH"); /* of no chosen mode */
	refuse(BEARER "[env]\nA-B = 1\n", NULL, ":4:", "not a name for an environment variable");
	refuse(BEARER "[env]\nA = sk-0123456789\n", NULL, ":4:", "looks like a key");
	refuse(BEARER "[models]\nopus = a b\n", NULL, ":4:", "without spaces");
	refuse(BEARER "[models]\ncontext = many\n", NULL, ":4:", "number");
	put("x", BEARER
	    "[env]\nAPI_TIMEOUT_MS = 1\nCLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC = 1\n"
	    "CLAUDE_CODE_MAX_OUTPUT_TOKENS = 9\nDISABLE_PROMPT_CACHING = 1\nAWS_PROFILE = w\n");
	provider_free(load("x", NULL));
}

static void test_secrets(void **state)
{
	(void)state;
	refuse(BEARER "[secrets]\nMY_TOKEN = a\n", NULL, ":4:", "not kept from MCP");
	refuse(BEARER "[secrets]\nheader:X-Key = a\n", NULL, ":4:", "or a header");
	refuse(BEARER "[secrets]\nheader: = a\n", NULL, ":4:", "no name of a header");
	refuse(BEARER "[secrets]\nheader = a\n", NULL, ":4:", "not kept from MCP");
	refuse(BEARER "[secrets]\nheader:a = b\nheader:a = c\n", NULL, ":5:", "there already");
	refuse(BEARER "[secrets]\nexposed = maybe\n", NULL, ":4:", "yes or no");
	refuse(BEARER "[secrets]\nexposed = yes\nLD_PRELOAD = a\n", NULL,
	       ":5:", "cannot be delivered");
	refuse(BEARER "[secrets]\nexposed = yes\nSSL_CERT_FILE = a\n", NULL,
	       ":5:", "cannot be delivered");
	refuse(BEARER "[secrets]\nexposed = yes\nHTTPS_PROXY = a\n", NULL,
	       ":5:", "cannot be delivered");
	refuse(BEARER "[secrets]\nexposed = yes\nCLAUDE_CONFIG_DIR = a\n", NULL,
	       ":5:", "cannot be delivered");
	refuse(BEARER "[secrets]\nexposed = yes\nPATH = a\n", NULL, ":5:", "cannot be delivered");
	refuse(BEARER "[secrets]\nexposed = yes\nANTHROPIC_BASE_URL = a\n", NULL,
	       ":5:", "cannot be delivered");
	refuse(BEARER "[secrets]\nANTHROPIC_API_KEY = sk-ant-1\n", NULL, ":4:", "vault entry");
	refuse(BEARER "[secrets]\nANTHROPIC_API_KEY = a/b\n", NULL, ":4:", "vault entry");
	refuse(BEARER "secret = sk-or-v1-abc\n", NULL, ":3:", "vault entry");
	assert_null(strstr(refused("x", NULL).what, "sk-or"));
	refuse(BEARER "[secrets]\nexposed = yes\nA = a\nB = b\nC = c\nD = d\n", NULL,
	       ":8:", "more than 3");
	refuse("[provider]\nauth = bedrock\nsecret = a\n[parameters]\nregion = r\n", NULL,
	       ":3:", "no variable of its own");
	refuse(BEARER "placeholder = sk-123\n", NULL, ":3:", "placeholder is a word");
	refuse(BEARER "placeholder = a\n[secrets]\nANTHROPIC_API_KEY = a\n", NULL,
	       ":3:", "exclude");
	refuse("[provider]\nauth = api-key\nplaceholder = a\n", NULL, ":3:", "goes with");
	refuse(BEARER "skip_auth = yes\n", NULL, ":3:", "goes with");
	refuse(BEARER "needs_any = file:relative\n", NULL, ":3:", "needs_any");
	refuse(BEARER "key_url = javascript:x\n", NULL, ":3:", "key_url");
}

static void test_secret_rules(void **state)
{
	struct provider *p;

	(void)state;
	put("x", "[provider]\nauth = none\nbase_url = http://127.0.0.1:8080\n"
		 "[secrets]\nANTHROPIC_API_KEY = a\n");
	p = load("x", NULL);
	assert_int_equal(p->secrets, 0);
	/* the client demands something, and must not take its own login */
	assert_string_equal(p->placeholder, "none");
	provider_free(p);
	put("x", BEARER "[secrets]\nexposed = yes\nMY_TOKEN = a\n");
	p = load("x", NULL);
	assert_int_equal(p->secrets, 1); /* the default one is dropped */
	assert_true(p->policy.exposed);
	provider_free(p);
	put("x", "[provider]\nauth = oauth\n");
	p = load("x", NULL);
	assert_string_equal(p->secret[0].variable, "CLAUDE_CODE_OAUTH_TOKEN");
	assert_string_equal(p->secret[0].entry, "x");
	assert_string_equal(p->origin, "oauth https://api.anthropic.com");
	provider_free(p);
}

/* Hostile bytes: whatever happens, no crash and no half provider. */
static void test_noise(void **state)
{
	static const char pool[] = "[]=:;#${}\n\n \tprovidesamuthbx/.1_-\"\\";
	char text[600];
	struct provider *p;
	struct failure f;
	unsigned seed = 1, i, k;

	(void)state;
	for (i = 0; i < 400; i++) {
		k = (unsigned)snprintf(text, sizeof(text), "%s", i % 2 ? BEARER : "");
		while (k < sizeof(text) - 1) {
			seed = seed * 1103515245u + 12345u;
			text[k++] = pool[(seed >> 16) % (sizeof(pool) - 1)];
		}
		text[k] = '\0';
		put("x", text);
		if (provider_load("x", NULL, &p, &f) == 0)
			provider_free(p);
		else
			assert_null(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_words, empty),
		cmocka_unit_test_setup(test_syntax, empty),
		cmocka_unit_test_setup(test_files, empty),
		cmocka_unit_test_setup(test_no_overlay_directory, empty),
		cmocka_unit_test_setup(test_urls, empty),
		cmocka_unit_test_setup(test_env, empty),
		cmocka_unit_test_setup(test_secrets, empty),
		cmocka_unit_test_setup(test_secret_rules, empty),
		cmocka_unit_test_setup(test_noise, empty),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
