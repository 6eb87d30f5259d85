/*
 * tests/broker/test_key_tries.c - how many wrong keys may be tried, and what time takes from them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fail.h"
#include "broker/key_tries.h"
#include "broker/limits.h"
#include "broker/tenant.h"

#define MINUTE_MS 60000

static const struct failure wrong = { .code = FAIL_WRONG_KEY };
static const struct failure other = { .code = FAIL_NO_ENTRY };

/* How many may be tried now: each is wrong. */
static unsigned tries_left(struct tenant *t)
{
	struct failure f = { 0 };
	unsigned n;

	for (n = 0; n <= WRONG_KEYS_UID && key_tries_check(t, &f) == 0; n++)
		key_tries_note(t, &wrong);
	if (n <= WRONG_KEYS_UID)
		assert_int_equal(f.code, FAIL_BUSY);
	return n;
}

/* As if it were so much later. */
static void pass_time(struct tenant *t, int64_t ms)
{
	t->wrong_keys_ms -= ms;
}

static void test_so_many(void **state)
{
	static struct tenant t = { .system = true };
	unsigned i;

	(void)state;
	for (i = 0; i < 2 * WRONG_KEYS_UID; i++)
		key_tries_note(&t, &other);
	assert_int_equal(tries_left(&t), WRONG_KEYS_UID);
	assert_int_equal(tries_left(&t), 0);
}

static void test_time_takes_from_them(void **state)
{
	static struct tenant t = { .system = true };

	(void)state;
	assert_int_equal(tries_left(&t), WRONG_KEYS_UID);
	pass_time(&t, WRONG_KEY_MS);
	assert_int_equal(tries_left(&t), 1);
	pass_time(&t, WRONG_KEY_MS / 2);
	assert_int_equal(tries_left(&t), 0);
	pass_time(&t, MINUTE_MS);
	assert_int_equal(tries_left(&t), MINUTE_MS / WRONG_KEY_MS);
	pass_time(&t, (int64_t)WRONG_KEYS_UID * WRONG_KEY_MS + MINUTE_MS);
	assert_int_equal(tries_left(&t), WRONG_KEYS_UID);
}

/* A right one is tried between any number of wrong ones, and none is remembered from before. */
static void test_time_is_not_saved(void **state)
{
	static struct tenant t = { .system = true };

	(void)state;
	t.wrong_keys_ms = clock_now_ms() - 1000 * (int64_t)WRONG_KEY_MS;
	assert_int_equal(tries_left(&t), WRONG_KEYS_UID);
}

/* Who has that uid has the file, too. */
static void test_a_users_broker_counts_none(void **state)
{
	static struct tenant t = { .system = false };

	(void)state;
	assert_int_equal(tries_left(&t), WRONG_KEYS_UID + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_so_many),
		cmocka_unit_test(test_time_takes_from_them),
		cmocka_unit_test(test_time_is_not_saved),
		cmocka_unit_test(test_a_users_broker_counts_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
