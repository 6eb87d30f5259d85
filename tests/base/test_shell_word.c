/*
 * tests/base/test_shell_word.c - a text as one word for a shell, and hints with commands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fail.h"
#include "base/shell_word.h"
#include "base/text_quote.h"

static void expect(const char *text, const char *want)
{
	char out[256];

	assert_true(shell_word(text, out, sizeof(out)));
	assert_string_equal(out, want);
}

static void test_words(void **state)
{
	(void)state;
	expect("/home/ann/.local/bin/claude", "/home/ann/.local/bin/claude");
	expect("command=a", "command=a");
	expect("=a", "'=a'");
	expect("@a", "'@a'");
	expect("%1", "'%1'");
	expect("", "''");
	expect("a b", "'a b'");
	expect("~ann", "'~ann'");
	expect("\xc3\xa9", "'\xc3\xa9'");
	expect("it's", "'it'\\''s'");
	expect("a\\b", "'a'\\\\'b'");
}

static void refused(const char *text)
{
	char out[256] = "left";

	assert_false(shell_word(text, out, sizeof(out)));
	assert_string_equal(out, "");
}

static void test_what_is_no_word(void **state)
{
	(void)state;
	refused("a\nb");
	refused("a\033[2Jb");
	refused("\x7f");
	refused("\xc2\x9b");
	refused("\xe2\x80\xae" /* right-to-left override */);
	refused("\xe2\x80\x8b" /* of no width */);
	refused("\xff");
}

/* Whole, or not at all: half a path is another path. */
static void test_room(void **state)
{
	static const char *const texts[] = { "/a/b", "/a b", "'", "\\" };
	char whole[32], out[32];
	size_t i, size, n;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(shell_word(texts[i], whole, sizeof(whole)));
		n = strlen(whole);
		for (size = 1; size <= n; size++) {
			memset(out, '#', sizeof(out));
			assert_false(shell_word(texts[i], out, size));
			assert_int_equal(out[0], '\0');
			assert_int_equal(out[size], '#');
		}
		assert_true(shell_word(texts[i], out, n + 1));
		assert_string_equal(out, whole);
	}
}

/* What the shell takes `printf %s WORD` for is the text; nothing else of it is run. */
static void shell_reads(const char *shell, const char *text)
{
	char word[256], command[300], got[256];
	FILE *p;
	size_t n;

	assert_true(shell_word(text, word, sizeof(word)));
	snprintf(command, sizeof(command), "printf %%s %s", word);
	setenv("COMMAND", command, 1);
	setenv("SHELL_OF_IT", shell, 1);
	p = popen("exec \"$SHELL_OF_IT\" -c \"$COMMAND\" 2>&1", "r");
	assert_non_null(p);
	n = fread(got, 1, sizeof(got) - 1, p);
	got[n] = '\0';
	assert_int_equal(pclose(p), 0);
	assert_string_equal(got, text);
}

static void test_shells(void **state)
{
	static const char *const shells[] = { "/bin/sh", "/bin/bash", "/usr/bin/zsh",
					      "/usr/bin/fish" };
	static const char *const texts[] = {
		"/tmp/claude';printf RAN;'",
		"\\';printf RAN;#",
		"a\\\\';printf RAN;'\\",
		"$(printf RAN)",
		"`printf RAN`",
		"(printf RAN)",
		"{a,b}",
		"*",
		"[a]?",
		"!!",
		"a;printf RAN",
		"a&printf RAN|x",
		"\"$HOME\"",
		"a  b",
		"~",
		"=ls",
		"a^b",
		"#a",
		"\xc3\xa9'\xe2\x82\xac\\",
		"<a>b",
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		for (k = 0; access(shells[i], X_OK) == 0 && k < sizeof(texts) / sizeof(texts[0]);
		     k++)
			shell_reads(shells[i], texts[k]);
}

static void test_hints(void **state)
{
	static char longer[400];
	struct failure f = { 0 };

	(void)state;
	fail_hint(&f, "kill %u, %d of %llu, then chmod go-w %s", 12u, -3, 5ULL, "/a b");
	assert_string_equal(f.hint, "kill 12, -3 of 5, then chmod go-w '/a b'");
	fail_hint(&f, "ccrun --exec %s %s%s%s", "/c", "p", "", "");
	assert_string_equal(f.hint, "ccrun --exec /c p");
	fail_hint(&f, "chmod go-w %s", "/a\nrm b");
	assert_non_null(strstr(f.hint, "nothing can be named"));
	assert_null(strstr(f.hint, "chmod"));
	memset(longer, 'a', sizeof(longer) - 1);
	fail_hint(&f, "chmod go-w %s", longer);
	assert_null(strstr(f.hint, "chmod"));
	longer[sizeof(f.hint) - sizeof("x  y")] = '\0';
	fail_hint(&f, "x %s y", longer);
	assert_non_null(strstr(f.hint, "aa y"));
	longer[strlen(longer)] = 'a';
	fail_hint(&f, "x %s y", longer);
	assert_null(strstr(f.hint, "aa"));
	fail_hint(NULL, "x %s", "y");
}

/* A command goes on word by word, and ends where one is left out. */
static void test_hints_that_grow(void **state)
{
	struct failure f = { 0 };
	size_t n, last;

	(void)state;
	fail_hint(&f, "ccctl add %s", "zai");
	fail_hint_add(&f, " --allow %s", "base_url=https://x.test/;~/x");
	fail_hint_add(&f, " --allow %s", "auth=bearer");
	assert_string_equal(
		f.hint, "ccctl add zai --allow 'base_url=https://x.test/;~/x' --allow auth=bearer");
	fail_hint_add(&f, " --allow %s", "a\nb");
	fail_hint_add(&f, " --allow %s", "c");
	assert_string_equal(strstr(f.hint, "auth"), "auth=bearer ...");
	fail_hint(&f, "%s", "a");
	for (last = 0; (n = strlen(f.hint)) != last; last = n)
		fail_hint_add(&f, ", %s", "bcde");
	assert_string_equal(f.hint + n - strlen(", bcde ..."), ", bcde ...");
	fail_hint_add(NULL, "x %s", "y");
}

static void test_text(void **state)
{
	struct failure f = { 0 };

	(void)state;
	fail_hint_text(&f, "try it: a $(b)\033[2J\xe2\x80\xae");
	assert_string_equal(f.hint, "try it: a $(b)?[2J?");
	fail_set(&f, FAIL_USAGE, "\xe2\x81\xa6x",
		 "a\xe2\x80\xa8"
		 "b\xc2\x9b\xff\xc3\xa9");
	assert_string_equal(f.what, "a?b?\xff\xc3\xa9");
	assert_string_equal(f.hint, "?x");
}

static void quoted(const char *text, const char *want)
{
	char out[256];

	assert_true(text_quote(text, out, sizeof(out)));
	assert_string_equal(out, want);
}

static void test_quotes(void **state)
{
	char out[16];
	size_t size;

	(void)state;
	quoted("it takes long", "\"it takes long\"");
	quoted("", "\"\"");
	quoted("a\" b: \"", "\"a' b: '\"");
	quoted("a     b", "\"a b\"");
	quoted("$(x) `y` \\", "\"?(x) ?y? ?\"");
	/* Of the history, in quotes as well. */
	quoted("!ls", "\"?ls\"");
	quoted("a\nb\033c\xc2\x9b"
	       "d\xff",
	       "\"a?b?c?d?\"");
	quoted("\xd8\x9c\xe2\x80\x8b\xe2\x80\x8f\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa9",
	       "\"??????\"");
	quoted("\xc3\xa9\xe6\xbc\xa2", "\"\xc3\xa9\xe6\xbc\xa2\"");
	/* Cut between characters, and closed. */
	for (size = 4; size < 9; size++) {
		memset(out, '#', sizeof(out));
		assert_false(text_quote("\xc3\xa9\xc3\xa9\xc3\xa9", out, size));
		assert_true(strlen(out) < size && out[size] == '#' && out[strlen(out) - 1] == '"');
		assert_int_equal(strlen(out) % 2, 0);
	}
	assert_true(text_quote("\xc3\xa9\xc3\xa9\xc3\xa9", out, 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words), cmocka_unit_test(test_what_is_no_word),
		cmocka_unit_test(test_room),  cmocka_unit_test(test_shells),
		cmocka_unit_test(test_hints), cmocka_unit_test(test_hints_that_grow),
		cmocka_unit_test(test_text),  cmocka_unit_test(test_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
