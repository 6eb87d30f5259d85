/*
 * tests/config/test_settings_file.c - ccrun.conf, and what a provider's file says
 * for the status line.
 */
#include "tests/config/provider_fixture.h"

#include "config/ini/ini_file.h"
#include "config/settings/ccrun_conf.h"
#include "config/settings/pinentry_conf.h"
#include "config/settings/statusline_conf.h"

static const char *conf(void)
{
	static char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/ccrun/ccrun.conf", home);
	return path;
}

static int read_text(const char *text, struct ini_file **file, struct failure *f)
{
	memset(f, 0, sizeof(*f));
	write_file(conf(), text, strlen(text), 0600);
	return ccrun_conf_read(file, f);
}

static void refuse_text(const char *text, const char *at, const char *why)
{
	struct ini_file *file = (void *)1;
	struct failure f;

	assert_int_equal(read_text(text, &file, &f), -1);
	assert_null(file);
	if (f.code != FAIL_CONFIG || !strstr(f.what, at) ||
	    (!strstr(f.what, why) && !strstr(f.hint, why)))
		fail_msg("expected '%s' and '%s': %s; %s", at, why, f.what, f.hint);
}

static void test_file(void **state)
{
	struct ini_file *file = (void *)1;
	struct failure f = { 0 };

	(void)state;
	unlink(conf());
	assert_int_equal(ccrun_conf_read(&file, &f), 0);
	assert_null(file);
	assert_int_equal(read_text("[ccrun]\ndefault = zai\n[statusline]\nany = thing\n", &file,
				   &f),
			 1);
	assert_string_equal(ini_file_get(file, "ccrun", "default")->value, "zai");
	assert_string_equal(ini_file_get(file, "statusline", "any")->value, "thing");
	ini_file_free(file);
	assert_int_equal(read_text("[ccrun]\ndefault = zai:local\n", &file, &f), 1);
	ini_file_free(file);
	assert_int_equal(read_text("[ccrun]\ndefault =\n", &file, &f), 1);
	ini_file_free(file);
	assert_int_equal(read_text("", &file, &f), 1);
	ini_file_free(file);
	refuse_text("[statusbar]\n", "ccrun.conf:1:", "did you mean statusline?");
	refuse_text("[provider]\nauth = none\n",
		    "ccrun.conf:1:", "known are: ccrun, links, statusline");
	refuse_text("[ccrun]\n\ndefalt = zai\n", "ccrun.conf:3:", "did you mean default?");
	refuse_text("[ccrun]\ndefault = ../x\n", "ccrun.conf:2:", "no provider's name");
	refuse_text("[ccrun]\ndefault = zai:\n", "ccrun.conf:2:", "NAME:MODE");
	refuse_text("[ccrun]\ndefault = a:b:c\n", "ccrun.conf:2:", "NAME:MODE");
	refuse_text("default = zai\n", "ccrun.conf:1:", "outside of a section");
}

static void test_pinentry(void **state)
{
	static const char *const wrong[] = { "maybe",	  "pinentry",	    "/bin/cat",
					     "/usr/bin/", "./pinentry-tty", "YES" };
	char program[PATH_SIZE], own[PATH_SIZE], text[PATH_SIZE + 64];
	struct ini_file *file;
	struct failure f;
	unsigned i;

	(void)state;
	unlink(conf());
	assert_int_equal(pinentry_conf_read(program, NULL), 0);
	assert_int_equal(read_text("[ccrun]\npinentry = no\n", &file, &f), 1);
	ini_file_free(file);
	assert_int_equal(pinentry_conf_read(program, NULL), 0);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "[ccrun]\npinentry = %s\n", wrong[i]);
		refuse_text(text, "ccrun.conf:2:", "yes, no, or an absolute path");
		assert_int_equal(pinentry_conf_read(program, NULL), -1);
	}
	/* What another than root could put there. */
	snprintf(own, sizeof(own), "%s/pinentry", home);
	write_file(own, "#!/bin/sh\n", 10, 0755);
	snprintf(text, sizeof(text), "[ccrun]\npinentry = %s\n", own);
	assert_int_equal(read_text(text, &file, &f), 1);
	ini_file_free(file);
	if (geteuid() != 0) {
		assert_int_equal(pinentry_conf_read(program, &f), -1);
		assert_int_equal(f.code, FAIL_UNSAFE_PATH);
	}
	unlink(own);
}

static void test_root_owned(void **state)
{
	struct failure f = { 0 };
	char out[PATH_SIZE];

	(void)state;
	assert_int_equal(path_root_owned("/bin/sh", out, &f), 0);
	assert_null(strstr(out, "//"));
	assert_int_equal(path_root_owned("/usr/../bin/sh", out, &f), 0);
	assert_int_equal(path_root_owned("bin/sh", out, &f), -1);
	assert_int_equal(path_root_owned("/nonexistent/sh", out, &f), -1);
	assert_int_equal(path_root_owned("/usr/bin", out, &f), -1);
	assert_int_equal(f.code, FAIL_UNSAFE_PATH);
	assert_int_equal(path_root_owned("/etc/passwd", out, &f), -1);
	assert_int_equal(f.code, FAIL_UNSAFE_PATH);
}

static void test_who_may_write_it(void **state)
{
	struct ini_file *file;
	struct failure f = { 0 };
	char dir[PATH_SIZE];

	(void)state;
	write_file(conf(), "[ccrun]\n", 8, 0622);
	assert_int_equal(ccrun_conf_read(&file, &f), -1);
	assert_int_equal(f.code, FAIL_UNSAFE_PATH);
	write_file(conf(), "[ccrun]\n", 8, 0600);
	snprintf(dir, sizeof(dir), "%s/ccrun", home);
	chmod(dir, 0777);
	assert_int_equal(ccrun_conf_read(&file, &f), -1);
	assert_int_equal(f.code, FAIL_UNSAFE_PATH);
	chmod(dir, 0700);
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	assert_int_equal(ccrun_conf_read(&file, &f), 0);
	setenv("XDG_CONFIG_HOME", home, 1);
}

/* ---- [statusline] ---- */

static void refuse_line(const char *lines, const char *at, const char *why)
{
	struct statusline_conf s, usual;
	struct ini_file *file;
	struct failure f = { 0 };
	char text[512];

	snprintf(text, sizeof(text), "[statusline]\nlabel-width = 9\n%s\n", lines);
	statusline_conf_default(&s);
	statusline_conf_default(&usual);
	if (ini_file_parse("ccrun.conf", text, strlen(text), &file, &f) != 0)
		fail_msg("%s: %s", lines, f.what);
	assert_int_equal(statusline_conf_read(file, &s, &f), -1);
	if (!strstr(f.what, at) || (!strstr(f.what, why) && !strstr(f.hint, why)))
		fail_msg("expected '%s' and '%s': %s; %s", at, why, f.what, f.hint);
	assert_memory_equal(&s, &usual, sizeof(s));
	ini_file_free(file);
}

static void test_refused_lines(void **state)
{
	(void)state;
	refuse_line("part = repo", ":3:", "did you mean parts?");
	refuse_line("parts = repo brunch", ":3:", "did you mean branch?");
	refuse_line("parts = repo repo", ":3:", "twice");
	refuse_line("parts =", ":3:", "no parts");
	refuse_line("separator =", ":3:", "separator");
	refuse_line("separator = \"                                        \"", ":3:", "separator");
	refuse_line("colour-quote = red", ":3:", "did you mean quota?");
	refuse_line("colour-quota = redd", ":3:", "no colour");
	refuse_line("colour-quota = red blue", ":3:", "no colour");
	refuse_line("colour-quota = 256", ":3:", "no colour");
	refuse_line("colour-quota = none red", ":3:", "no colour");
	refuse_line("colour-quota =", ":3:", "no colour");
	refuse_line("colour-quota = 31m\\e", ":3:", "no colour");
	refuse_line("quota-at = 80 50", ":3:", "two percentages");
	refuse_line("quota-at = 50", ":3:", "two percentages");
	refuse_line("quota-at = 50 80 90", ":3:", "two percentages");
	refuse_line("context-at = a b", ":3:", "two percentages");
	refuse_line("windows = 5h something-long", ":3:", "windows");
	refuse_line("windows = a b c d e f g h i", ":3:", "windows");
	refuse_line("reset = yes", ":3:", "no, left, clock");
	refuse_line("clock = 24", ":3:", "24h");
	refuse_line("link = maybe", ":3:", "yes or no");
	refuse_line("dirty = 1", ":3:", "yes or no");
	refuse_line("dirty-ms = 0", ":3:", "from 1 to 1000");
	refuse_line("width = -1", ":3:", "from 0 to 1000");
	refuse_line("branch-width = 201", ":3:", "from 1 to 200");
	refuse_line("dirty = yes\nlink-width = 3", ":4:", "unknown key");
}

/* ---- providers ---- */

static void expect_label(const char *name, const char *mode, const char *label, const char *usage)
{
	struct provider *p = load(name, mode);

	assert_string_equal(p->label, label);
	assert_string_equal(p->usage, usage);
	provider_free(p);
}

static void test_shipped_labels(void **state)
{
	(void)state;
	expect_label("zai", "", "GLM", "zai");
	expect_label("zai", "local", "Local", "");
	expect_label("claude", "", "Claude", "anthropic");
	expect_label("ollama", "", "Local", "");
	expect_label("openrouter", "", "OpenRouter", "openrouter");
	expect_label("bedrock", "bearer", "Bedrock", "");
}

static void test_labels(void **state)
{
	struct provider *p;

	(void)state;
	/* without a label: the title, then the name, also of one on this machine */
	put("x", BEARER "base_url = https://x.example\ntitle = The X company\n");
	expect_label("x", "", "The X company", "");
	put("x", BEARER "base_url = https://x.example\n");
	expect_label("x", "", "x", "");
	put("x", BEARER "base_url = http://127.0.0.1:8\ntitle = X\n");
	expect_label("x", "", "X", "");
	put("x", BEARER
	    "base_url = http://127.0.0.1:8\n[statusline]\nlabel = Box\n[usage]\nkind = zai\n");
	expect_label("x", "", "Box", "");
	/* a mode that goes to this machine, and one that does not */
	put("x", BEARER "base_url = https://x.example\n[mode here]\nbase_url = http://localhost:1\n"
			"[mode other]\ntitle = O\n[statusline]\nlabel = X\ncolour = bold "
			"cyan\n[usage]\nkind = zai\n");
	expect_label("x", "here", "Local", "");
	expect_label("x", "other", "X", "zai");
	p = load("x", "");
	assert_string_equal(p->colour, "bold cyan");
	provider_free(p);
	/* one that is local in every mode stays what it is called */
	put("x", BEARER
	    "base_url = http://localhost:1\n[mode other]\ntitle = O\n[statusline]\nlabel = Box\n");
	expect_label("x", "other", "Box", "");
	/* an overlay changes one, an empty value takes it back */
	put("zai", "[statusline]\nlabel = Work\n[usage]\nkind =\n");
	expect_label("zai", "", "Work", "");
}

static void test_refused_labels(void **state)
{
	(void)state;
	refuse(BEARER "[statusline]\nlable = X\n", NULL, ":4:", "unknown key lable");
	refuse(BEARER "[statusline]\nlabel = 123456789012345678901234567890123\n", NULL,
	       ":4:", "label");
	refuse(BEARER "[statusline]\ncolour = pink\n", NULL, ":4:", "colour");
	refuse(BEARER "[usage]\ntype = zai\n", NULL, ":4:", "unknown key type");
	refuse(BEARER "[usage]\nkind = z/../ai\n", NULL, ":4:", "kind");
}

static int remove_all(void **state)
{
	unlink(conf());
	return teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_pinentry),
		cmocka_unit_test(test_root_owned),
		cmocka_unit_test(test_who_may_write_it),
		cmocka_unit_test(test_refused_lines),
		cmocka_unit_test_setup(test_shipped_labels, empty),
		cmocka_unit_test_setup(test_labels, empty),
		cmocka_unit_test_setup(test_refused_labels, empty),
	};

	return cmocka_run_group_tests(tests, setup, remove_all);
}
