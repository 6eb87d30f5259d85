/*
 * tests/relay/test_byte_scan.c - each byte at each place of runs of each length, against a
 * byte at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "relay/byte_scan.h"

#define LENGTH_MAX 40

static size_t string_end(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != '"' && p[i] != '\\' && p[i] >= 0x20)
		i++;
	return i;
}

static size_t line_end(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != '\n' && p[i] != '\r')
		i++;
	return i;
}

static void check(const uint8_t *p, size_t n)
{
	assert_int_equal(byte_scan_string(p, p + n) - p, string_end(p, n));
	assert_int_equal(byte_scan_line(p, p + n) - p, line_end(p, n));
}

/* Around it bytes that are near to what is looked for: above 0x7f, 0x20, one beside. */
static void test_each_byte_at_each_place(void **state)
{
	static const uint8_t around[] = { 'a', ' ', '!', 0x5b, 0x7f, 0x80, 0xa0, 0xff };
	size_t n, at, k;
	unsigned c;

	(void)state;
	for (n = 0; n <= LENGTH_MAX; n++) {
		uint8_t *p = malloc(n ? n : 1); /* of exactly this size, for ASan */

		assert_non_null(p);
		for (k = 0; k < sizeof(around); k++) {
			memset(p, around[k], n);
			check(p, n);
			for (at = 0; at < n; at++) {
				for (c = 0; c < 256; c++) {
					p[at] = (uint8_t)c;
					check(p, n);
				}
				p[at] = around[k];
			}
		}
		free(p);
	}
}

static void test_two_of_them(void **state)
{
	static const uint8_t pair[] = { '\n', '\r', '"', '\\', 0, 0x1f, 0x20, '\v', '#', 0x8a };
	uint8_t p[LENGTH_MAX];
	size_t i, k, at, then;

	(void)state;
	for (i = 0; i < sizeof(pair); i++)
		for (k = 0; k < sizeof(pair); k++)
			for (at = 0; at < LENGTH_MAX; at++)
				for (then = at + 1; then < LENGTH_MAX; then++) {
					memset(p, 'x', sizeof(p));
					p[at] = pair[i];
					p[then] = pair[k];
					check(p, sizeof(p));
				}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_byte_at_each_place),
		cmocka_unit_test(test_two_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
