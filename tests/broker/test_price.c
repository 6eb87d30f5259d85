/*
 * tests/broker/test_price.c - prices, and what tokens cost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "broker/price.h"

static void test_price_parse(void **state)
{
	struct failure f = { 0 };
	uint64_t n = 7;

	(void)state;
	assert_int_equal(price_parse("0.30", &n, &f), 0);
	assert_int_equal(n, 300000);
	assert_int_equal(price_parse("10000", &n, &f), 0);
	assert_int_equal(n, PRICE_MAX);
	assert_int_equal(price_parse("10000.01", &n, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	assert_int_equal(price_parse("$3", &n, NULL), -1);
	assert_int_equal(n, PRICE_MAX);
}

static const struct prices sonnet = {
	.per_million = { 3000000, 15000000, 3750000, 300000 },
	.known = { true, true, true, true },
};

static void test_price_cost(void **state)
{
	struct token_counts t = { { 1000000, 200000, 40000, 5000000 }, { true, true, true, true } };
	uint64_t micros = 7;

	(void)state;
	assert_true(price_cost(&sonnet, &t, &micros));
	assert_int_equal(micros, 3000000 + 3000000 + 150000 + 1500000);

	/* Rounded up, and once. */
	t = (struct token_counts){ { 0, 0, 1, 1 }, { true, true, true, true } };
	assert_true(price_cost(&sonnet, &t, &micros));
	assert_int_equal(micros, 5); /* 3.75 + 0.30 */
	t.n[TOKENS_CACHE_WRITE] = 0;
	assert_true(price_cost(&sonnet, &t, &micros));
	assert_int_equal(micros, 1);
	t.n[TOKENS_CACHE_READ] = 0;
	assert_true(price_cost(&sonnet, &t, &micros));
	assert_int_equal(micros, 0);
}

static void test_price_unknown(void **state)
{
	struct prices p = sonnet;
	struct token_counts t = { { 10, 10, 0, 10 }, { true, true, true, true } };
	uint64_t micros = 7;

	(void)state;
	p.known[TOKENS_CACHE_WRITE] = false;
	assert_true(price_cost(&p, &t, &micros)); /* no token of that kind */
	micros = 7;
	p.known[TOKENS_CACHE_READ] = false;
	assert_false(price_cost(&p, &t, &micros));
	t.known[TOKENS_OUTPUT] = false;
	assert_false(price_cost(&sonnet, &t, &micros));
	assert_int_equal(micros, 7);
}

static void test_price_overflow(void **state)
{
	struct prices p = { { PRICE_MAX, PRICE_MAX, PRICE_MAX, PRICE_MAX },
			    { true, true, true, true } };
	struct token_counts t = { { UINT64_C(1000000000000), 999999, 0, 0 },
				  { true, true, true, true } };
	uint64_t micros;

	(void)state;
	assert_true(price_cost(&p, &t, &micros));
	assert_int_equal(micros, UINT64_C(10000000000000000) + UINT64_C(9999990000));
	t.n[TOKENS_INPUT] = UINT64_MAX;
	assert_true(price_cost(&p, &t, &micros));
	assert_int_equal(micros, UINT64_MAX);
	t.n[TOKENS_CACHE_READ] = UINT64_MAX;
	assert_true(price_cost(&p, &t, &micros));
	assert_int_equal(micros, UINT64_MAX);
}

/* How a number or a file is written says nothing; what it says, everything. */
static void test_prices_sealed_text(void **state)
{
	struct price_line l[3] = { 0 }, two[3];
	char text[PRICES_SEALED_MAX + 1], again[PRICES_SEALED_MAX + 1], line[PRICE_LINE_TEXT];
	size_t n;

	(void)state;
	assert_int_equal(prices_sealed_text(l, 0, text), 0);
	assert_string_equal(text, "");
	assert_int_equal(price_line_parse(&l[0], "b-*", "3 15 0.30 3.75", NULL), 0);
	assert_int_equal(price_line_parse(&l[1], "a", "0.25  1.250000", NULL), 0);
	assert_int_equal(price_line_parse(&l[2], "*", "0 10000", NULL), 0);
	n = prices_sealed_text(l, 3, text);
	assert_string_equal(text, "* input=0 output=10000000000\n"
				  "a input=250000 output=1250000\n"
				  "b-* input=3000000 output=15000000 cache_write=3750000 "
				  "cache_read=300000\n");
	assert_int_equal(n, strlen(text));
	two[0] = l[2];
	two[1] = l[0];
	two[2] = l[1];
	prices_sealed_text(two, 3, again);
	assert_string_equal(text, again);
	price_line_format(&l[0], line);
	assert_string_equal(line, "3 15 0.30 3.75");
	price_line_format(&l[1], line);
	assert_string_equal(line, "0.25 1.25");
	assert_int_equal(price_line_parse(&two[0], "a", line, NULL), 0);
	assert_memory_equal(&two[0], &l[1], sizeof(two[0]));
	/* Less is said by another text. */
	prices_sealed_text(l, 2, again);
	assert_string_not_equal(text, again);
	l[0].prices.known[TOKENS_CACHE_READ] = false;
	prices_sealed_text(l, 3, again);
	assert_string_not_equal(text, again);
}

/* As many and as long as they can be. */
static void test_prices_sealed_text_fits(void **state)
{
	struct price_line l[PRICE_LINES_MAX] = { 0 };
	char text[PRICES_SEALED_MAX + 1], line[PRICE_LINE_TEXT];
	unsigned i;
	size_t n;
	int kind;

	(void)state;
	for (i = 0; i < PRICE_LINES_MAX; i++) {
		memset(l[i].model, 'm', PRICE_MODEL - 1);
		l[i].model[PRICE_MODEL - 1] = '\0';
		for (kind = 0; kind < TOKEN_KINDS; kind++) {
			l[i].prices.known[kind] = true;
			l[i].prices.per_million[kind] = PRICE_MAX;
		}
	}
	n = prices_sealed_text(l, PRICE_LINES_MAX, text);
	assert_int_equal(n, strlen(text));
	assert_int_equal(strlen(text) % PRICE_LINES_MAX, 0);
	assert_int_equal(strlen(text) / PRICE_LINES_MAX, 185);
	l[0].prices.per_million[TOKENS_INPUT] = UINT64_C(9999999999);
	price_line_format(&l[0], line);
	assert_string_equal(line, "9999.999999 10000 10000 10000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_price_parse),
		cmocka_unit_test(test_price_cost),
		cmocka_unit_test(test_price_unknown),
		cmocka_unit_test(test_price_overflow),
		cmocka_unit_test(test_prices_sealed_text),
		cmocka_unit_test(test_prices_sealed_text_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
