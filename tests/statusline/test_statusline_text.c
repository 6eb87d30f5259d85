/*
 * tests/statusline/test_statusline_text.c - foreign text, and what the client says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/io.h"
#include "statusline/client_input.h"
#include "display/text.h"

static void expect_clean(const char *in, size_t n, const char *want)
{
	char out[256];
	size_t got = display_clean(in, n, out, sizeof(out));

	assert_string_equal(out, want);
	assert_int_equal(got, strlen(want));
}

#define CLEAN(in, want) expect_clean(in, sizeof(in) - 1, want)

static void test_clean(void **state)
{
	(void)state;
	CLEAN("main", "main");
	CLEAN("", "");
	CLEAN("feature/\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x9a\x80",
	      "feature/\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x9a\x80");
	/* what drives a terminal */
	CLEAN("a\033[31mb\007", "a?[31mb?");
	CLEAN("a\0b\nc\td\x7f", "a?b?c?d?");
	CLEAN("a\xc2\x9b"
	      "31mb\xc2\x85",
	      "a?31mb?");
	/* no UTF-8: a lone continuation, overlong, a surrogate, cut off, too high */
	CLEAN("a\x80z", "a?z");
	CLEAN("\xc0\xaf", "??");
	CLEAN("\xe0\x80\xaf", "???");
	CLEAN("\xed\xa0\x80", "???");
	CLEAN("x\xe6\xbc", "x??");
	CLEAN("\xf4\x90\x80\x80", "????");
	CLEAN("\xff\xfe", "??");
	/* direction, zero width, separators, tags, the byte order mark */
	CLEAN("a\xe2\x80\xae"
	      "b",
	      "a?b");
	CLEAN("a\xe2\x81\xa7"
	      "b\xe2\x81\xa9",
	      "a?b?");
	CLEAN("a\xd8\x9c"
	      "b",
	      "a?b");
	CLEAN("a\xe2\x80\x8b"
	      "b\xe2\x80\x8d"
	      "c",
	      "a?b?c");
	CLEAN("a\xe2\x80\xa8"
	      "b",
	      "a?b");
	CLEAN("a\xf3\xa0\x81\xa1"
	      "b",
	      "a?b");
	CLEAN("\xef\xbb\xbf"
	      "a\xc2\xad",
	      "?a?");
	/* fillers that look like blanks, and noncharacters */
	CLEAN("a\xe3\x85\xa4"
	      "b\xe2\xa0\x80"
	      "c",
	      "a?b?c");
	CLEAN("a\xef\xbf\xbe", "a?");
	CLEAN("a\xee\x82\xa0"
	      "b",
	      "a\xee\x82\xa0"
	      "b");
	/* selectors go, blanks are one kind, none at the ends */
	CLEAN("\xe2\x9d\xa4\xef\xb8\x8f", "\xe2\x9d\xa4");
	CLEAN("  a\xc2\xa0"
	      "b\xe3\x80\x80",
	      "a b");
	CLEAN("   ", "");
	/* marks: two on a character, none on nothing */
	CLEAN("e\xcc\x81", "e\xcc\x81");
	CLEAN("e\xcc\x81\xcc\x82\xcc\x83\xcc\x84z", "e\xcc\x81\xcc\x82z");
	CLEAN("\xcc\x81"
	      "e",
	      "e");
}

static void test_clean_keeps_to_its_room(void **state)
{
	char out[8];
	size_t n;

	(void)state;
	for (n = 1; n <= sizeof(out); n++) {
		memset(out, 'x', sizeof(out));
		display_clean("\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2", 9, out, n);
		assert_int_equal(strlen(out), (n - 1) / 3 * 3);
		if (n < sizeof(out))
			assert_int_equal(out[n], 'x');
	}
	assert_int_equal(display_clean("\033\033\033\033\033\033\033\033\033", 9, out, sizeof(out)),
			 7);
}

static void expect_cut(const char *text, unsigned columns, const char *want)
{
	char buf[64];

	snprintf(buf, sizeof(buf), "%s", text);
	display_cut(buf, columns);
	assert_string_equal(buf, want);
	assert_true(display_width(buf) <= columns);
}

static void test_width_and_cut(void **state)
{
	(void)state;
	assert_int_equal(display_width("main"), 4);
	assert_int_equal(display_width("\xe6\xbc\xa2\xe5\xad\x97"), 4);
	assert_int_equal(display_width("\xf0\x9f\x9a\x80"), 2);
	assert_int_equal(display_width("e\xcc\x81"), 1);
	assert_int_equal(display_width("\xc3\xa4\xe2\x80\xa6"), 2);
	assert_int_equal(display_width("\xed\x95\x9c"), 2);
	/* a private-use character, as fonts of symbols have them; a byte that is no UTF-8 */
	assert_int_equal(display_width("\xee\x82\xa0"), 1);
	assert_int_equal(display_width("\xff"), 1);
	/* a mark with room of its own, one without, and Hangul of separate letters */
	assert_int_equal(display_width("\xe0\xa4\x95\xe0\xa4\xbe"), 2);
	assert_int_equal(display_width("\xe0\xa4\x95\xe0\xa5\x81"), 1);
	assert_int_equal(display_width("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab"), 2);
	expect_cut("feature", 7, "feature");
	expect_cut("feature", 6, "featu\xe2\x80\xa6");
	expect_cut("feature", 1, "\xe2\x80\xa6");
	expect_cut("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2", 5,
		   "\xe6\xbc\xa2\xe5\xad\x97\xe2\x80\xa6");
	expect_cut("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2", 4, "\xe6\xbc\xa2\xe2\x80\xa6");
	expect_cut("e\xcc\x81"
		   "abc",
		   3,
		   "e\xcc\x81"
		   "a\xe2\x80\xa6");
}

/* ---- the input ---- */

static struct client_input in;

static void parse_n(const char *text, size_t n)
{
	char buf[INPUT_MAX];

	assert_true(n <= sizeof(buf));
	memcpy(buf, text, n);
	client_input_parse(buf, n, &in);
}

static void parse(const char *text)
{
	parse_n(text, strlen(text));
}

static void expect_context(const char *text, double want)
{
	parse(text);
	assert_true(in.has_context);
	assert_true(in.context > want - 0.001 && in.context < want + 0.001);
}

static void test_context(void **state)
{
	(void)state;
	expect_context("{\"context_window\":{\"used_percentage\":12,\"current_usage\":"
		       "{\"input_tokens\":100},\"context_window_size\":100}}",
		       12);
	expect_context("{\"context_window\":{\"used_percentage\":12.5}}", 12.5);
	/* input and both caches; output does not count */
	expect_context(
		"{\"context_window\":{\"used_percentage\":null,\"context_window_size\":200000,"
		"\"current_usage\":{\"input_tokens\":8000,\"output_tokens\":90000,"
		"\"cache_creation_input_tokens\":4000,\"cache_read_input_tokens\":12000}}}",
		12);
	/* at the start, and whatever cannot be */
	expect_context("{\"context_window\":{\"used_percentage\":null,\"current_usage\":null,"
		       "\"context_window_size\":1000000}}",
		       0);
	expect_context("{\"context_window\":{}}", 0);
	expect_context("{\"context_window\":{\"used_percentage\":\"12\",\"context_window_size\":0,"
		       "\"current_usage\":{\"input_tokens\":5}}}",
		       0);
	expect_context("{\"context_window\":{\"used_percentage\":-3}}", 0);
	parse("{\"context_window\":[]}");
	assert_false(in.has_context);
	parse("{}");
	assert_false(in.has_context);
	assert_true(in.parsed);
}

static void test_limits(void **state)
{
	(void)state;
	parse("{\"rate_limits\":{\"five_hour\":{\"used_percentage\":23.5,\"resets_at\":1795344000},"
	      "\"seven_day\":{\"used_percentage\":8.0,\"resets_at\":\"soon\"}}}");
	assert_true(in.has_limits && in.five_hour.present && in.seven_day.present);
	assert_int_equal(in.five_hour.reset, 1795344000);
	assert_int_equal(in.seven_day.reset, 0);
	parse("{\"rate_limits\":{\"five_hour\":null,\"seven_day\":{\"used_percentage\":null}}}");
	assert_false(in.has_limits);
	parse("{\"rate_limits\":{\"five_hour\":{\"used_percentage\":1,\"resets_at\":1e300}}}");
	assert_int_equal(in.five_hour.reset, 0);
	parse("{\"rate_limits\":\"none\"}");
	assert_false(in.has_limits);
}

static void test_names(void **state)
{
	(void)state;
	parse("{\"cwd\":\"/a\",\"workspace\":{\"current_dir\":\"/b\",\"project_dir\":\"rel\","
	      "\"repo\":{\"host\":\"h\",\"owner\":1,\"name\":\"n\"}},\"model\":{\"display_name\":"
	      "\"M\"}}");
	assert_string_equal(in.dir, "/b");
	assert_string_equal(in.project, "");
	assert_string_equal(in.repo_host, "h");
	assert_string_equal(in.repo_owner, "");
	assert_string_equal(in.repo_name, "n");
	assert_string_equal(in.model, "M");
	parse("{\"cwd\":\"/a\",\"workspace\":null}");
	assert_string_equal(in.dir, "/a");
	/* a NUL within does not end the name, bytes that are no UTF-8 do not end it all */
	parse("{\"model\":{\"display_name\":\"a\\u0000b\"},\"session_name\":\"\xff\xfe\"}");
	assert_string_equal(in.model, "a?b");
	assert_string_equal(in.session, "??");
	parse("{\"session_name\":\"\x01\x1b[31m\"}");
	assert_string_equal(in.session, "??[31m");
	/* half an emoji, as the client writes it */
	parse("{\"session_name\":\"x\\ud83d\",\"model\":{\"display_name\":"
	      "\"\\ud83d\\ude80\\udc00\\\\ud83d\"}}");
	assert_string_equal(in.session, "x?");
	assert_string_equal(in.model, "\xf0\x9f\x9a\x80?\\ud83d");
	/* numbers that no 64 bits hold, and text behind the object */
	parse("{\"cost\":{\"total_cost_usd\":99999999999999999999999},\"model\":{\"display_name\":"
	      "\"M\"}} x");
	assert_string_equal(in.model, "M");
	assert_true(in.has_cost);
}

static void test_no_object(void **state)
{
	static const char *const texts[] = {
		"",    " ",	  "null",	"[]",  "\"x\"",		 "12",
		"{",   "{\"a\":", "{\"a\":1,}", "nul", "{\"a\":\"\n\"}", "\\",
		"\\u", "\"\\ud8", "{'a':1}"
	};
	char deep[INPUT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		parse(texts[i]);
		assert_false(in.parsed);
		assert_string_equal(in.dir, "");
	}
	memset(deep, '[', sizeof(deep));
	parse_n(deep, sizeof(deep));
	assert_false(in.parsed);
	for (i = 0; i + 5 <= sizeof(deep); i += 5)
		memcpy(deep + i, "{\"a\":", 5);
	parse_n(deep, i);
	assert_false(in.parsed);
	memset(deep, 0, sizeof(deep));
	parse_n(deep, sizeof(deep));
	assert_false(in.parsed);
}

static void test_read(void **state)
{
	static char big[INPUT_MAX + 1000], buf[INPUT_MAX];
	int fds[2], i;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	/* it never ends: what came by the deadline counts */
	assert_int_equal(client_input_read(fds[0], buf, clock_now_ms() + 500), 3);
	close(fds[1]);
	assert_int_equal(client_input_read(fds[0], buf, clock_now_ms() + 60000), 0);
	close(fds[0]);
	assert_int_equal(client_input_read(fds[0], buf, clock_now_ms() + 60000), 0);
	/* what is too much is taken from the writer and thrown away */
	assert_int_equal(pipe(fds), 0);
	if (fork() == 0) {
		memset(big, 'x', sizeof(big));
		for (i = 0; i < 20; i++)
			if (write(fds[1], big, sizeof(big)) != sizeof(big))
				_exit(1);
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(client_input_read(fds[0], buf, clock_now_ms() + 20000), INPUT_MAX);
	assert_int_equal(read(fds[0], buf, 1), 0);
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_clean_keeps_to_its_room),
		cmocka_unit_test(test_width_and_cut),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_object),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
