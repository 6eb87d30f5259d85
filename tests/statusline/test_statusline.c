/*
 * tests/statusline/test_statusline.c - from facts to the line: parts, colours, widths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/fail.h"
#include "statusline/line.h"
#include "statusline/cells.h"
#include "display/text.h"
#include "config/ini/ini_file.h"

#define NOW 1795271200

static struct facts k;
static struct status_line line;
static char out[LINE_BYTES];

static const char *shown(unsigned columns, bool plain)
{
	size_t n;

	cells_make(&k, &line);
	line_fit(&line, columns);
	n = line_format(&line, plain, out);
	assert_int_equal(n, strlen(out));
	assert_int_equal(out[n - 1], '\n');
	out[n - 1] = '\0';
	return out;
}

#define EXPECT(want) assert_string_equal(shown(0, true), want)

static int fresh(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	statusline_conf_default(&k.settings);
	k.mistake = "";
	k.now = NOW;
	snprintf(k.provider.label, sizeof(k.provider.label), "GLM");
	return 0;
}

static struct quota_item *window(const char *label, double percent)
{
	struct quota_item *it = &k.quota.item[k.quota.items++];

	snprintf(it->label, sizeof(it->label), "%s", label);
	it->is_percent = true;
	it->percent = percent;
	k.quota.state = QUOTA_FRESH;
	return it;
}

static struct quota_item *amount(const char *text, const char *currency)
{
	struct quota_item *it = &k.quota.item[k.quota.items++];

	snprintf(it->amount, sizeof(it->amount), "%s", text);
	snprintf(it->currency, sizeof(it->currency), "%s", currency);
	k.quota.state = QUOTA_FRESH;
	return it;
}

static void in_repo(const char *branch, const char *repo)
{
	k.git.found = true;
	snprintf(k.git.branch, sizeof(k.git.branch), "%s", branch);
	snprintf(k.git.repo, sizeof(k.git.repo), "%s", repo);
}

static void context(double percent)
{
	k.input.has_context = true;
	k.input.context = percent;
}

static void configure(const char *text)
{
	struct ini_file *file;
	struct failure f;

	statusline_conf_default(&k.settings);
	assert_int_equal(ini_file_parse("ccrun.conf", text, strlen(text), &file, &f), 0);
	if (statusline_conf_read(file, &k.settings, &f) != 0)
		fail_msg("%s", f.what);
	ini_file_free(file);
}

/* ---- the lines of the issue ---- */

static void test_three_lines(void **state)
{
	(void)state;
	window("5h", 67);
	context(31);
	in_repo("feature", "app");
	EXPECT("GLM | 5h:67% | 31% ctx | feature | app");
	fresh(NULL);
	snprintf(k.provider.label, sizeof(k.provider.label), "Claude");
	window("5h", 23.5);
	window("wk", 8);
	context(12);
	in_repo("main", "app");
	EXPECT("Claude | 5h:23% | wk:8% | 12% ctx | main | app");
	fresh(NULL);
	snprintf(k.provider.label, sizeof(k.provider.label), "Local");
	context(5);
	in_repo("main", "app");
	EXPECT("Local | 5% ctx | main | app");
}

static void test_default_colours(void **state)
{
	(void)state;
	window("5h", 49.99);
	window("wk", 50);
	context(79.9);
	in_repo("main", "app");
	assert_string_equal(
		shown(0, false),
		"\033[36mGLM\033[0m\033[2m | \033[0m\033[32m5h:49%\033[0m\033[2m | "
		"\033[0m\033[33mwk:50%\033[0m\033[2m | \033[0m\033[33m79% ctx\033[0m"
		"\033[2m | \033[0m\033[34mmain\033[0m\033[2m | \033[0m\033[35mapp\033[0m");
	k.quota.items = 1;
	k.quota.item[0].percent = 80;
	context(80);
	k.git.found = false;
	k.git.repo[0] = '\0';
	assert_string_equal(shown(0, false),
			    "\033[36mGLM\033[0m\033[2m | \033[0m\033[31m5h:80%\033[0m\033[2m | "
			    "\033[0m\033[31m80% ctx\033[0m");
	context(0);
	k.quota.state = QUOTA_STALE;
	assert_string_equal(shown(0, false),
			    "\033[36mGLM\033[0m\033[2m | \033[0m\033[2m5h:80%\033[0m\033[2m | "
			    "\033[0m\033[36m0% ctx\033[0m");
}

static void test_a_file_has_its_colour(void **state)
{
	(void)state;
	k.provider.has_colour = true;
	snprintf(k.provider.colour, sizeof(k.provider.colour), "1;35");
	assert_string_equal(shown(0, false), "\033[1;35mGLM\033[0m");
	k.provider.colour[0] = '\0'; /* none */
	assert_string_equal(shown(0, false), "GLM");
}

static void test_percentages(void **state)
{
	(void)state;
	window("5h", 28.999999999999996);
	window("wk", 1e300);
	EXPECT("GLM | 5h:29% | wk:999%");
}

/* ---- quota ---- */

static void test_quota_states(void **state)
{
	(void)state;
	k.quota.state = QUOTA_ERROR;
	assert_string_equal(shown(0, false), "\033[36mGLM\033[0m\033[2m | \033[0m\033[2m?\033[0m");
	k.quota.state = QUOTA_WAITING;
	EXPECT("GLM | \xe2\x80\xa6");
	k.quota.state = QUOTA_NONE;
	EXPECT("GLM");
	k.provider.broken = true;
	EXPECT("GLM?");
}

static void test_money(void **state)
{
	(void)state;
	amount("12.3456", "USD");
	amount("-0.5", "CNY");
	amount("3", "EUR");
	amount("7.10", "XAU");
	amount("0.00", "");
	EXPECT("GLM | $12.34 | -\xc2\xa5"
	       "0.5 | \xe2\x82\xac"
	       "3 | 7.10 XAU | 0.00");
	k.quota.items = 2;
	assert_string_equal(shown(0, false),
			    "\033[36mGLM\033[0m\033[2m | \033[0m\033[32m$12.34\033[0m\033[2m | "
			    "\033[0m\033[31m-\xc2\xa5"
			    "0.5\033[0m");
}

static void test_windows(void **state)
{
	(void)state;
	window("mo", 1);
	window("5h", 2);
	window("wk", 3);
	amount("4", "USD");
	EXPECT("GLM | 5h:2% | wk:3% | $4");
	configure("[statusline]\nwindows = money mo\n");
	EXPECT("GLM | $4 | mo:1%");
	configure("[statusline]\nwindows = all\n");
	EXPECT("GLM | mo:1% | 5h:2% | wk:3% | $4");
	configure("[statusline]\nwindows =\n");
	EXPECT("GLM");
}

static void test_reset_times(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	window("5h", 67)->reset = NOW + 2 * 3600 + 10 * 60;
	window("wk", 8)->reset = NOW + 3 * 86400 + 4 * 3600;
	EXPECT("GLM | 5h:67% | wk:8%");
	configure("[statusline]\nreset = left\n");
	EXPECT("GLM | 5h:67% 2h10m | wk:8% 3d4h");
	/* NOW is a Saturday, 14:26:40 */
	configure("[statusline]\nreset = clock\n");
	EXPECT("GLM | 5h:67% 16:36 | wk:8% Tue");
	configure("[statusline]\nreset = clock\nclock = 12h\n");
	EXPECT("GLM | 5h:67% 4:36pm | wk:8% Tue");
	k.quota.item[0].reset = NOW;
	k.quota.item[1].reset = 0;
	EXPECT("GLM | 5h:67% | wk:8%");
}

static void test_lengths_of_time(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = { { -5, "0s" },	   { 9, "9s" },	      { 59, "59s" },
		      { 60, "1m" },	   { 3599, "59m" },   { 7800, "2h10m" },
		      { 86399, "23h59m" }, { 86400, "1d0h" }, { INT64_MAX, "999d0h" } };
	char text[CELLS_TIME_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cells_duration_text(cases[i].seconds, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* ---- the other parts ---- */

static void test_optional_parts(void **state)
{
	struct client_input *in = &k.input;

	(void)state;
	configure("[statusline]\nparts = session effort dir lines duration cost model provider\n");
	EXPECT("GLM");
	snprintf(in->session, INPUT_NAME, "my task");
	snprintf(in->effort, INPUT_NAME, "medium");
	snprintf(in->model, INPUT_NAME, "Opus 5.5");
	snprintf(in->dir, INPUT_PATH, "/home/dev/app");
	in->has_cost = in->has_duration = in->has_lines = true;
	in->cost = 0.4249;
	in->duration = 9551;
	in->added = 12;
	in->removed = 3;
	EXPECT("my task | medium | app | +12 -3 | 9s | $0.42 | Opus 5.5 | GLM");
	in->cost = in->duration = in->added = in->removed = 1e300;
	snprintf(in->dir, INPUT_PATH, "/");
	EXPECT("my task | medium | / | +1000000000 -1000000000 | 999d0h | $1000000.00 | Opus 5.5 | "
	       "GLM");
}

static void test_git(void **state)
{
	(void)state;
	in_repo("main", "app");
	k.git.dirty = GIT_DIRTY;
	EXPECT("GLM | main | app");
	configure("[statusline]\ndirty = yes\n");
	EXPECT("GLM | main* | app");
	k.git.dirty = GIT_UNKNOWN;
	EXPECT("GLM | main? | app");
	k.git.dirty = GIT_CLEAN;
	EXPECT("GLM | main | app");
	/* what the client knows of the repository comes first */
	snprintf(k.input.repo_name, INPUT_NAME, "its-name");
	EXPECT("GLM | main | its-name");
	/* a worktree's branch where git's files cannot be read */
	memset(&k.git, 0, sizeof(k.git));
	snprintf(k.input.worktree_branch, INPUT_NAME, "wt");
	EXPECT("GLM | wt | its-name");
}

static void expect_link(const char *url)
{
	char want[256];

	if (url[0])
		snprintf(want, sizeof(want), "\033]8;;%s\033\\app\033]8;;\033\\", url);
	else
		snprintf(want, sizeof(want), "app");
	configure("[statusline]\nparts = repo\ncolour-repo = none\n");
	assert_string_equal(shown(0, false), want);
	configure("[statusline]\nparts = repo\ncolour-repo = none\nlink = no\n");
	assert_string_equal(shown(0, false), "app");
	assert_string_equal(shown(0, true), "app");
}

static void test_links(void **state)
{
	static const char *const bad[] = { "",
					   "javascript:alert(1)",
					   "https://",
					   "https://a/../b",
					   "https://.a",
					   "https://a/\033]0;x\007",
					   "https://a b",
					   "https://a/\xc3\xa4",
					   "file:///etc/passwd",
					   "https://a\\b",
					   "https://u@a/b",
					   "https://a/%2e" };
	char url[CELL_URL];
	size_t i;

	(void)state;
	in_repo("main", "app");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(k.git.url, sizeof(k.git.url), "%s", bad[i]);
		expect_link("");
	}
	snprintf(k.git.url, sizeof(k.git.url), "https://git.example/x/app");
	expect_link("https://git.example/x/app");
	snprintf(k.input.repo_name, INPUT_NAME, "app");
	snprintf(k.input.repo_owner, INPUT_NAME, "acme");
	snprintf(k.input.repo_host, INPUT_NAME, "github.com");
	expect_link("https://github.com/acme/app");
	cells_page_url("h", "a/b", "c", url);
	assert_string_equal(url, "https://h/a/b/c");
	cells_page_url("h", "a", "b/c", url);
	assert_string_equal(url, "");
	cells_page_url("h/x", "a", "b", url);
	assert_string_equal(url, "");
	cells_page_url("h", "a\033", "b", url);
	assert_string_equal(url, "");
	cells_page_url("h", "a", "..", url);
	assert_string_equal(url, "");
}

static void test_notices(void **state)
{
	(void)state;
	context(1);
	k.redirect = REDIRECT_IGNORED;
	EXPECT("GLM | redirect ignored | 1% ctx");
	assert_non_null(strstr(shown(0, false), "\033[33mredirect ignored\033[0m"));
	k.redirect = REDIRECT_ON;
	EXPECT("GLM | redirected | 1% ctx");
	assert_non_null(strstr(shown(0, false), "\033[31mredirected\033[0m"));
	k.mistake = "ccrun.conf:3?";
	EXPECT("GLM | redirected | ccrun.conf:3? | 1% ctx");
	/* no choice of parts hides them, and no choice makes the line empty */
	configure("[statusline]\nparts = cost\n");
	EXPECT("redirected | ccrun.conf:3?");
	k.mistake = "";
	k.redirect = REDIRECT_NONE;
	EXPECT("GLM");
}

static void test_hostile_names(void **state)
{
	(void)state;
	in_repo("a\033]0;x\007"
		"b",
		"\xe2\x80\xae"
		"ppa\xff");
	window("\033c", 3);
	configure("[statusline]\nwindows = all\n");
	snprintf(k.settings.separator, sizeof(k.settings.separator), "\xc2\x9b| ");
	snprintf(k.provider.label, sizeof(k.provider.label), "\033[5m\001");
	EXPECT("?[5m??| ?c:3%?| a?]0;x?b?| ?ppa?");
	snprintf(k.provider.label, sizeof(k.provider.label), " ");
	k.git.branch[0] = k.git.repo[0] = '\0';
	k.quota.items = 0;
	EXPECT("?");
}

/* ---- widths ---- */

static void test_what_goes_first(void **state)
{
	static const char *const lines[] = {
		"GLM | 5h:67% 2h10m | wk:8% | 31% ctx | feature/login-page | customer-app | Opus | "
		"$1.00 | idea",
		"GLM | 5h:67% | wk:8% | 31% ctx | feature/login-page | customer-app | Opus | $1.00 "
		"| idea",
		"GLM | 5h:67% | wk:8% | 31% ctx | feature/login-page | customer-app | Opus | $1.00",
		"GLM | 5h:67% | wk:8% | 31% ctx | feature/login-page | customer-app | Opus",
		"GLM | 5h:67% | wk:8% | 31% ctx | feature/login-page | customer-app",
		"GLM | 5h:67% | wk:8% | 31% ctx | feature/login-page | custome\xe2\x80\xa6",
		"GLM | 5h:67% | wk:8% | 31% ctx | feature\xe2\x80\xa6 | custome\xe2\x80\xa6",
		"GLM | 5h:67% | wk:8% | 31% ctx | feature\xe2\x80\xa6",
		"GLM | 5h:67% | wk:8% | 31% ctx",
		"GLM | 5h:67% | 31% ctx",
		"GLM | 31% ctx",
		"GLM",
		"G\xe2\x80\xa6",
		"\xe2\x80\xa6",
	};
	unsigned i, w;

	(void)state;
	configure("[statusline]\nparts = provider quota context branch repo model cost "
		  "session\nreset = left\n");
	window("5h", 67)->reset = NOW + 7800;
	window("wk", 8);
	context(31);
	in_repo("feature/login-page", "customer-app");
	snprintf(k.input.model, INPUT_NAME, "Opus");
	snprintf(k.input.session, INPUT_NAME, "idea");
	k.input.has_cost = true;
	k.input.cost = 1;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		w = display_width(lines[i]);
		assert_string_equal(shown(w, true), lines[i]);
	}
	/* in between there is as much as there is room for, and never more */
	for (w = 1; w < 120; w++)
		assert_true(display_width(shown(w, true)) <= w);
	k.redirect = REDIRECT_ON;
	assert_string_equal(shown(16, true), "GLM | redirected");
}

static void test_widths_of_names(void **state)
{
	(void)state;
	in_repo("a-branch-with-a-name-that-goes-on-and-on",
		"a-repository-with-a-name-that-goes-on");
	snprintf(k.provider.label, sizeof(k.provider.label), "a-host.with.a.long.name.example");
	EXPECT("a-host.with.a.l\xe2\x80\xa6 | a-branch-with-a-name-that-goes-\xe2\x80\xa6 | "
	       "a-repository-with-a-name-that-g\xe2\x80\xa6");
	configure("[statusline]\nlabel-width = 6\nbranch-width = 8\nrepo-width = 1\nwidth = 20\n");
	EXPECT("a-hos\xe2\x80\xa6 | a-branc\xe2\x80\xa6 | \xe2\x80\xa6");
	assert_int_equal(k.settings.width, 20);
}

/* ---- the file ---- */

static void test_settings(void **state)
{
	(void)state;
	context(12);
	in_repo("main", "app");
	configure("[statusline]\nparts = repo, context provider\nseparator = \" - "
		  "\"\ncolour-provider = bold 208\n"
		  "colour-separator = none\ncolour-context = bright-green\ncolour-repo = "
		  "dim\ncontext-at = 10 90\n"
		  "colour-warn = white\nlink = no\n");
	assert_string_equal(
		shown(0, false),
		"\033[2mapp\033[0m - \033[37m12% ctx\033[0m - \033[1;38;5;208mGLM\033[0m");
	configure("[statusline]\nseparator = /\n");
	EXPECT("GLM/12% ctx/main/app");
	configure("[other]\nparts = nonsense\n");
	EXPECT("GLM | 12% ctx | main | app");
}

#define TEST(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_three_lines),
		TEST(test_default_colours),
		TEST(test_a_file_has_its_colour),
		TEST(test_percentages),
		TEST(test_quota_states),
		TEST(test_money),
		TEST(test_windows),
		TEST(test_reset_times),
		TEST(test_lengths_of_time),
		TEST(test_optional_parts),
		TEST(test_git),
		TEST(test_links),
		TEST(test_notices),
		TEST(test_hostile_names),
		TEST(test_what_goes_first),
		TEST(test_widths_of_names),
		TEST(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
