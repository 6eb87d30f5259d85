/*
 * tests/base/test_utf8.c - UTF-8, read strictly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"

static void expect(const char *p, size_t n, unsigned want_len, uint32_t want)
{
	uint32_t c = 0xffffffff;

	assert_int_equal(utf8_decode(p, n, &c), want_len);
	assert_int_equal(c, want_len ? want : 0xffffffff);
	assert_int_equal(utf8_valid(p, n), want_len == n);
}

#define CHARACTER(text, c) expect(text, sizeof(text) - 1, sizeof(text) - 1, c)
#define REFUSED(text) expect(text, sizeof(text) - 1, 0, 0)

static void test_decode(void **state)
{
	(void)state;
	CHARACTER("\0", 0);
	CHARACTER("a", 'a');
	CHARACTER("\x7f", 0x7f);
	CHARACTER("\xc2\x80", 0x80);
	CHARACTER("\xdf\xbf", 0x7ff);
	CHARACTER("\xe0\xa0\x80", 0x800);
	CHARACTER("\xed\x9f\xbf", 0xd7ff);
	CHARACTER("\xee\x80\x80", 0xe000);
	CHARACTER("\xef\xbf\xbf", 0xffff);
	CHARACTER("\xf0\x90\x80\x80", 0x10000);
	CHARACTER("\xf4\x8f\xbf\xbf", 0x10ffff);
	/* continuation alone, overlong, surrogates, too high, cut off */
	REFUSED("\x80");
	REFUSED("\xbf\xbf");
	REFUSED("\xc0\x80");
	REFUSED("\xc1\xbf");
	REFUSED("\xe0\x9f\xbf");
	REFUSED("\xf0\x8f\xbf\xbf");
	REFUSED("\xed\xa0\x80");
	REFUSED("\xed\xbf\xbf");
	REFUSED("\xf4\x90\x80\x80");
	REFUSED("\xf5\x80\x80\x80");
	REFUSED("\xff");
	REFUSED("\xc2");
	REFUSED("\xc2"
		"a");
	REFUSED("\xe2\x82");
	REFUSED("\xf0\x90\x80");
	assert_int_equal(utf8_decode("a", 0, NULL), 0);
}

static void test_texts(void **state)
{
	(void)state;
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\0\xc3\xa4\xe6\xbc\xa2", 7));
	assert_false(utf8_valid("a\0\xc3\xa4\xe6\xbc\xa2", 6));
	assert_false(utf8_valid("a\xff"
				"b",
				3));
	assert_int_equal(utf8_count("a\xc3\xa4\xe6\xbc\xa2", 6), 3);
	assert_int_equal(utf8_count("", 0), 0);
	assert_true(utf8_is_continuation('\x80') && utf8_is_continuation('\xbf'));
	assert_false(utf8_is_continuation('a') || utf8_is_continuation('\xc2'));
}

static void test_control(void **state)
{
	(void)state;
	assert_int_equal(utf8_control("\0", 1), 1);
	assert_int_equal(utf8_control("\x1f", 1), 1);
	assert_int_equal(utf8_control("\x7f", 1), 1);
	assert_int_equal(utf8_control("\xc2\x80", 2), 2);
	assert_int_equal(utf8_control("\xc2\x9f", 2), 2);
	assert_int_equal(utf8_control("\xc2\x9f", 1), 0);
	assert_int_equal(utf8_control("\xc2\xa0", 2), 0);
	assert_int_equal(utf8_control("\xc2"
				      "a",
				      2),
			 0);
	assert_int_equal(utf8_control(" ", 1), 0);
	assert_int_equal(utf8_control("\033", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
