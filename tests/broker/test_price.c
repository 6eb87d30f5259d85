/*
 * tests/broker/test_price.c - prices, and what tokens cost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_price_parse),
		cmocka_unit_test(test_price_cost),
		cmocka_unit_test(test_price_unknown),
		cmocka_unit_test(test_price_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
