/*
 * tests/base/test_money.c - amounts of dollars, as people write them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/money.h"

static void test_money_parse(void **state)
{
	static const struct {
		const char *text;
		uint64_t micros;
	} good[] = {
		{ "3", 3000000 },
		{ "0", 0 },
		{ "0.30", 300000 },
		{ "15.00", 15000000 },
		{ "0.000001", 1 },
		{ "1.234567", 1234567 },
		{ "18446744073709.551615", UINT64_MAX },
	};
	static const char *const bad[] = {
		"",
		".",
		".5",
		"5.",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1,5",
		"0.0000001",
		"00",
		"01",
		"1e3",
		"$1",
		"1.2.3",
		"18446744073709.551616",
		"99999999999999999999",
		"0x1",
		"1.-5",
	};
	uint64_t n = 42;
	char text[MONEY_TEXT];
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(money_parse(good[i].text, strlen(good[i].text), UINT64_MAX, &n));
		assert_int_equal(n, good[i].micros);
		money_format(n, text);
		assert_true(money_parse(text, strlen(text), UINT64_MAX, &n));
		assert_int_equal(n, good[i].micros);
	}
	n = 42;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(money_parse(bad[i], strlen(bad[i]), UINT64_MAX, &n));
	assert_false(money_parse("5.01", 4, 5000000, &n));
	assert_int_equal(n, 42);
	/* It reads no further than it is told. */
	assert_true(money_parse("12.5", 2, UINT64_MAX, &n));
	assert_int_equal(n, 12000000);
}

static void test_money_format(void **state)
{
	static const struct {
		uint64_t micros;
		const char *text;
	} row[] = {
		{ 0, "0" },
		{ 10000000, "10" },
		{ 500000, "0.50" },
		{ 1, "0.000001" },
		{ 1250000, "1.25" },
		{ 1255000, "1.255" },
		{ UINT64_MAX, "18446744073709.551615" },
	};
	char text[MONEY_TEXT];
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		money_format(row[i].micros, text);
		assert_string_equal(text, row[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_money_parse),
		cmocka_unit_test(test_money_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
