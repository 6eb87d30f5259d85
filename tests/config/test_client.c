/*
 * tests/config/test_client.c - how the person's client reaches the network, and what is
 * kept of the clients that were tried.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fail.h"
#include "base/paths.h"
#include "config/client/network.h"
#include "config/client/settings_files.h"
#include "config/client/tried.h"
#include "config/provider/provider.h"

static char home[] = "/tmp/ccrun-client-XXXXXX";
static struct network got;
static struct failure why;

static const char *in_home(const char *name)
{
	static char path[4][PATH_SIZE];
	static unsigned at;

	at = (at + 1) % 4;
	snprintf(path[at], PATH_SIZE, "%s/%s", home, name);
	return path[at];
}

static void put(const char *name, const char *text, mode_t mode)
{
	const char *path = in_home(name);
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int clean(void **state)
{
	(void)state;
	unlink(in_home("settings.json"));
	unlink(in_home("managed-settings.json"));
	return 0;
}

/* ---- the network ---- */

/* For an endpoint at url, with this environment (NULL-terminated). */
static int read_network(const char *url, const char **env)
{
	static struct provider p;
	const struct settings_sources from = { home, home, NULL };
	struct settings_files *files;
	int r;

	snprintf(p.origin, sizeof(p.origin), "bearer %s", url);
	p.local = strstr(url, "127.0.0.1") != NULL;
	memset(&why, 0, sizeof(why));
	if (settings_files_read(&from, &files, &why) != 0)
		return -1;
	r = network_read(&p, files, (char *const *)(uintptr_t)env, &got, &why);
	settings_files_free(files);
	return r;
}

#define ENV(...) ((const char *[]){ __VA_ARGS__, NULL })
#define NO_ENV ((const char *[]){ NULL })

static void expect_proxy(const char *url, const char **env, const char *proxy, const char *from)
{
	if (read_network(url, env) != 0)
		fail_msg("%s", why.what);
	assert_string_equal(got.proxy.text, proxy);
	if (proxy[0])
		assert_string_equal(got.proxy.from, from);
}

static void expect_no_proxy(const char *url, const char *list, const char *text)
{
	static char variable[512];

	snprintf(variable, sizeof(variable), "NO_PROXY=%s", list);
	expect_proxy(url, ENV("HTTPS_PROXY=http://a:1", variable), "http://a:1", "environment");
	assert_string_equal(got.no_proxy.text, text);
}

/* As Claude Code understands it; a relay's library knows neither stars nor ports. */
static void what_goes_without_the_proxy(void **state)
{
	(void)state;
	expect_no_proxy("https://x.test", "*", "*");
	expect_no_proxy("https://x.test", "*.corp.test, .q  r", ".corp.test,.q,r");
	expect_no_proxy("https://x.test", "x.test:443,y.test:8443,z.test", "x.test,z.test");
	expect_no_proxy("https://x.test:8443/v", "x.test:443,*.y.test:8443", ".y.test");
	expect_no_proxy("https://[::1:2]:8443", "::1:2,[::1:2]:8443,10.0.0.0/8,a:b",
			"::1:2,[::1:2]:8443,10.0.0.0/8,a:b");
	expect_no_proxy("https://x.test", "x.test:80", "");
	expect_no_proxy("https://x.test", " , ", "");
}

static void the_environment_names_a_proxy(void **state)
{
	(void)state;
	expect_proxy("https://x.test", NO_ENV, "", "");
	expect_proxy("https://x.test", ENV("HTTPS_PROXY=http://a:1"), "http://a:1", "environment");
	expect_proxy("https://x.test", ENV("HTTP_PROXY=http://b:1", "https_proxy=http://a:1"),
		     "http://a:1", "environment");
	/* As the client does: one for http counts for https as well. */
	expect_proxy("https://x.test", ENV("HTTP_PROXY=http://b:1"), "http://b:1", "environment");
	expect_proxy("https://x.test", ENV("ALL_PROXY=c:1"), "c:1", "environment");
	/* As a proxy's own program exports it, beside or in place of the others. */
	expect_proxy("https://x.test", ENV("all_proxy=socks5://c:1", "http_proxy=http://b:1"),
		     "http://b:1", "environment");
	assert_null(got.passed_over);
	expect_proxy("https://x.test", ENV("ALL_PROXY=socks5h://c:1", "NO_PROXY=x"), "", "");
	assert_string_equal(got.passed_over, "ALL_PROXY");
	expect_proxy("https://x.test", ENV("https_proxy=", "HTTPS_PROXY=http://a:1"), "http://a:1",
		     "environment");
	expect_proxy("https://x.test", ENV("HTTPS_PROXY=http://a:1", "NO_PROXY=q.test,.r"),
		     "http://a:1", "environment");
	assert_string_equal(got.no_proxy.text, "q.test,.r");
	assert_string_equal(got.no_proxy.name, "NO_PROXY");
}

static void an_endpoint_here_takes_no_proxy(void **state)
{
	(void)state;
	expect_proxy("https://127.0.0.1:1", ENV("HTTPS_PROXY=http://b:1", "NODE_EXTRA_CA_CERTS=/x"),
		     "", "");
	assert_string_equal(got.ca.text, "/x");
	put("settings.json", "not JSON at all", 0600);
	expect_proxy("http://127.0.0.1:1", ENV("HTTP_PROXY=http://b:1", "NODE_EXTRA_CA_CERTS=x"),
		     "", "");
}

static void settings_go_before_the_environment(void **state)
{
	const char **env = ENV("HTTPS_PROXY=http://env:1");

	(void)state;
	put("settings.json",
	    "\xef\xbb\xbf{\"env\": {\"HTTPS_PROXY\": \"http://user:1\", \"NO_PROXY\": \"n\"}}",
	    0600);
	expect_proxy("https://x.test", env, "http://user:1", in_home("settings.json"));
	assert_string_equal(got.no_proxy.text, "n");
	put("managed-settings.json", "{\"env\": {\"HTTPS_PROXY\": \"http://man\\u0061ged:1\"}}",
	    0644);
	expect_proxy("https://x.test", env, "http://managed:1", in_home("managed-settings.json"));
	/* An empty one takes back what is below. */
	put("managed-settings.json", "{\"env\": {\"HTTPS_PROXY\": \"\"}}", 0644);
	expect_proxy("https://x.test", env, "", "");
	put("managed-settings.json", " \n", 0644);
	put("settings.json", "{\"env\": {\"HTTPS_PROXY\": 5}, \"HTTPS_PROXY\": \"x\"}", 0600);
	expect_proxy("https://x.test", env, "http://env:1", "environment");
	put("settings.json", "{\"env\": [\"HTTPS_PROXY\"]}", 0600);
	expect_proxy("https://x.test", env, "http://env:1", "environment");
}

/* A proxy would read the key. */
static void an_endpoint_without_tls_takes_none(void **state)
{
	(void)state;
	expect_proxy("http://x.test", ENV("HTTP_PROXY=http://b:1", "ALL_PROXY=http://b:1"), "", "");
}

static void authorities_and_certificates(void **state)
{
	(void)state;
	put("settings.json", "{\"env\": {\"NODE_EXTRA_CA_CERTS\": \"/etc/ca.pem\"}}", 0600);
	assert_int_equal(read_network("https://x.test", ENV("CLAUDE_CODE_CLIENT_CERT=/c",
							    "CLAUDE_CODE_CLIENT_KEY=/k")),
			 0);
	assert_string_equal(got.ca.text, "/etc/ca.pem");
	assert_string_equal(got.cert.text, "/c");
	assert_string_equal(got.key.text, "/k");
	/* Without TLS there is nobody to show them to. */
	assert_int_equal(read_network("http://x.test", NO_ENV), 0);
	assert_string_equal(got.ca.text, "");
}

static void refuse_network(const char **env, const char *what)
{
	assert_int_equal(read_network("https://x.test", env), -1);
	assert_int_equal(why.code, FAIL_CONFIG);
	if (!strstr(why.what, what))
		fail_msg("expected '%s': %s", what, why.what);
}

static void what_cannot_be_taken_is_refused(void **state)
{
	static char long_proxy[NETWORK_VALUE_MAX + 32] = "HTTPS_PROXY=http://";

	(void)state;
	refuse_network(ENV("HTTPS_PROXY=socks5://s:1"), "is no proxy's address");
	refuse_network(ENV("HTTPS_PROXY=http://a b:1"), "is no proxy's address");
	refuse_network(ENV("HTTPS_PROXY=http://a\n:1"), "a control character");
	memset(long_proxy + strlen(long_proxy), 'a', NETWORK_VALUE_MAX);
	refuse_network(ENV(long_proxy), "longer than");
	refuse_network(ENV("NODE_EXTRA_CA_CERTS=ca.pem"), "not an absolute path");
	refuse_network(ENV("CLAUDE_CODE_CLIENT_CERT=/c"), "without CLAUDE_CODE_CLIENT_KEY");
	refuse_network(ENV("CLAUDE_CODE_CLIENT_KEY=/k"), "without CLAUDE_CODE_CLIENT_CERT");
	refuse_network(ENV("CLAUDE_CODE_CLIENT_CERT=/c", "CLAUDE_CODE_CLIENT_KEY=/k",
			   "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE=hunter2"),
		       "with a passphrase");
	assert_null(strstr(why.what, "hunter2"));
	put("settings.json", "{\"env\": {\"ANTHROPIC_API_KEY\": \"sk-secret\", }}", 0600);
	refuse_network(NO_ENV, "not plain JSON");
	assert_null(strstr(why.what, "sk-secret"));
}

static void a_proxys_credentials_are_not_shown(void **state)
{
	char text[NETWORK_VALUE_MAX + 1];

	(void)state;
	network_show_text("http://me:pw@proxy:3128", text);
	assert_string_equal(text, "http://***@proxy:3128");
	network_show_text("me:p@w@proxy:3128", text);
	assert_string_equal(text, "***@proxy:3128");
	network_show_text("http://proxy:3128", text);
	assert_string_equal(text, "http://proxy:3128");
}

/* ---- what was tried ---- */

static const char file_name[] = "cache/ccrun/clients";
static const struct tried yes = { true, true }, no = { false, false }, half = { true, false };

static bool known(const char *identity, struct tried expected)
{
	struct tried t = { false, false };

	return tried_get(identity, &t) && t.relay == expected.relay &&
	       t.first_party == expected.first_party;
}

static void keep(const char *identity, const struct tried *t)
{
	struct failure f = { 0 };

	if (tried_put(identity, t, &f) != 0)
		fail_msg("%s", f.what);
}

static void answers_are_kept_by_identity(void **state)
{
	struct stat st;
	struct tried t;

	(void)state;
	assert_false(tried_get("1:2:3:4.5", &t));
	keep("1:2:3:4.5", &yes);
	keep("1:2:3:4.6+7:8:9:0.1", &half);
	keep("9:9:9:9.9", &no);
	assert_true(known("1:2:3:4.5", yes));
	assert_true(known("1:2:3:4.6+7:8:9:0.1", half));
	assert_true(known("9:9:9:9.9", no));
	assert_false(tried_get("1:2:3:4.", &t));
	keep("1:2:3:4.5", &no);
	assert_true(known("1:2:3:4.5", no));
	assert_int_equal(stat(in_home(file_name), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void the_newest_are_kept(void **state)
{
	char identity[64];
	struct tried t;
	int i;

	(void)state;
	keep("0:0:0:0.0", &yes);
	for (i = 1; i <= TRIED_CLIENTS_MAX; i++) {
		snprintf(identity, sizeof(identity), "1:%d:0:0.0", i);
		keep(identity, &half);
	}
	assert_false(tried_get("0:0:0:0.0", &t));
	assert_true(known("1:1:0:0.0", half));
	assert_true(known(identity, half));
}

static void damaged_is_empty(void **state)
{
	static const char *const damaged[] = {
		"1:1:1:1.1 relay=yes first-party=no",	       /* cut off */
		"1:1:1:1.1 relay=yes\n",		       /* a word is missing */
		"1:1:1:1.1 relay=yes first-party=no more\n",   /* one too many */
		"1:1:1:1.1 relay=perhaps first-party=no\n",    /* no answer */
		"1:1:1:1.1 first-party=no relay=yes\n",	       /* another order */
		"1:1:1:1.1 relay=yes first-party=no\nx y z\n", /* the next line */
		"../etc relay=yes first-party=no\n",	       /* no identity */
	};
	struct tried t;
	size_t i;

	(void)state;
	keep("1:1:1:1.1", &yes);
	for (i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		put(file_name, damaged[i], 0600);
		if (tried_get("1:1:1:1.1", &t))
			fail_msg("taken: %s", damaged[i]);
	}
	put(file_name, "1:1:1:1.1 relay=yes first-party=no\n", 0600);
	assert_true(known("1:1:1:1.1", half));
	put(file_name, "1:1:1:1.1 relay=yes first-party=no\n", 0640);
	assert_false(tried_get("1:1:1:1.1", &t));
	keep("2:2:2:2.2", &no);
	assert_true(known("2:2:2:2.2", no));
	assert_false(tried_get("1:1:1:1.1", &t));
}

static void a_link_is_not_followed(void **state)
{
	struct tried t;

	(void)state;
	put("elsewhere", "1:1:1:1.1 relay=yes first-party=no\n", 0600);
	unlink(in_home(file_name));
	assert_int_equal(symlink(in_home("elsewhere"), in_home(file_name)), 0);
	assert_false(tried_get("1:1:1:1.1", &t));
	unlink(in_home("elsewhere"));
	unlink(in_home(file_name));
}

/* ---- */

static int begin(void **state)
{
	(void)state;
	return !mkdtemp(home) || setenv("XDG_CACHE_HOME", in_home("cache"), 1) != 0 ||
			       setenv("HOME", home, 1) != 0
		       ? -1
		       : 0;
}

static int end(void **state)
{
	clean(state);
	unlink(in_home(file_name));
	rmdir(in_home("cache/ccrun"));
	rmdir(in_home("cache"));
	return rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_goes_without_the_proxy, clean),
		cmocka_unit_test_setup(the_environment_names_a_proxy, clean),
		cmocka_unit_test_setup(an_endpoint_here_takes_no_proxy, clean),
		cmocka_unit_test_setup(settings_go_before_the_environment, clean),
		cmocka_unit_test_setup(an_endpoint_without_tls_takes_none, clean),
		cmocka_unit_test_setup(authorities_and_certificates, clean),
		cmocka_unit_test_setup(what_cannot_be_taken_is_refused, clean),
		cmocka_unit_test(a_proxys_credentials_are_not_shown),
		cmocka_unit_test(answers_are_kept_by_identity),
		cmocka_unit_test(the_newest_are_kept),
		cmocka_unit_test(damaged_is_empty),
		cmocka_unit_test(a_link_is_not_followed),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
