/*
 * tests/usage/test_usage.c - the table of quota numbers: places, what is due.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "broker/quota.h"

static const struct quota_figure item = { .label = "5h", .has_percent = true, .percent = 42 };

static void test_due(void **state)
{
	static struct quota_table t;
	struct watched_quota *u = quota_join(&t, "zai", false);

	(void)state;
	assert_non_null(u);
	assert_true(quota_due(u, 1000));
	quota_begin_fetch(u);
	assert_false(quota_due(u, 1000));
	quota_fetch_done(u, &item, 1, 2000);
	assert_false(quota_due(u, 2000 + QUOTA_FRESH_MS));
	u->wanted = true;
	assert_false(quota_due(u, 2000 + QUOTA_FRESH_MS - 1));
	assert_true(quota_due(u, 2000 + QUOTA_FRESH_MS));
}

static void test_two_are_enough(void **state)
{
	static struct quota_table t;
	struct watched_quota *u;

	(void)state;
	assert_false(quota_crowded(&t, "zai", false));
	u = quota_join(&t, "zai", false);
	assert_false(quota_crowded(&t, "zai", false));
	quota_join(&t, "zai", false);
	assert_true(quota_crowded(&t, "zai", false));
	assert_false(quota_crowded(&t, "zai", true));
	assert_false(quota_crowded(&t, "other", false));
	quota_leave(u, true);
	assert_false(quota_crowded(&t, "zai", false));
}

static void test_back_off_is_bounded(void **state)
{
	static struct quota_table t;
	struct watched_quota *u = quota_join(&t, "zai", false);

	(void)state;
	quota_begin_fetch(u);
	quota_fetch_failed(u, "network", 0, 1000);
	u->wanted = true;
	assert_false(quota_due(u, 1000 + QUOTA_RETRY_MIN * 1000 - 1));
	assert_true(quota_due(u, 1000 + QUOTA_RETRY_MIN * 1000));
	quota_begin_fetch(u);
	quota_fetch_failed(u, "network", UINT64_MAX, 1000);
	u->wanted = true;
	assert_true(quota_due(u, 1000 + QUOTA_RETRY_MAX * 1000ll));
}

static void test_places_are_given_away_unwatched_and_oldest_first(void **state)
{
	static struct quota_table t;
	struct watched_quota *u[QUOTA_NAMES_MAX];
	char name[16];
	unsigned i;

	(void)state;
	for (i = 0; i < QUOTA_NAMES_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		u[i] = quota_join(&t, name, false);
		assert_non_null(u[i]);
		quota_begin_fetch(u[i]);
		quota_fetch_done(u[i], &item, 1, 1000 + i);
	}
	assert_null(quota_join(&t, "more", false));
	/* One that is there needs no place. */
	assert_ptr_equal(quota_join(&t, "n3", false), u[3]);
	quota_leave(u[3], false);
	quota_leave(u[7], false);
	quota_leave(u[5], false);
	assert_string_equal(quota_state(u[5], 1006), "stale");
	assert_ptr_equal(quota_join(&t, "more", false), u[5]);
	assert_null(quota_lookup(&t, "n5", false));
	assert_non_null(quota_lookup(&t, "n7", false));
	assert_string_equal(quota_state(u[5], 1006), "waiting");
}

static void test_states(void **state)
{
	static struct quota_table t;
	struct watched_quota *u;

	(void)state;
	assert_string_equal(quota_state(NULL, 0), "none");
	u = quota_join(&t, "zai", false);
	assert_string_equal(quota_state(u, 0), "waiting");
	quota_begin_fetch(u);
	quota_fetch_failed(u, "tls", 60, 10);
	assert_string_equal(quota_state(u, 10), "error");
	quota_begin_fetch(u);
	quota_fetch_done(u, &item, 1, 20);
	assert_string_equal(quota_state(u, 20), "fresh");
	assert_string_equal(u->error, "");
	assert_string_equal(quota_state(u, 20 + QUOTA_STALE_MS), "stale");
	quota_begin_fetch(u);
	quota_fetch_failed(u, "timeout", 60, 30);
	assert_string_equal(quota_state(u, 30), "stale");
	assert_int_equal(u->figures, 1);
	quota_leave(u, false);
	assert_string_equal(quota_state(u, 30), "stale");
}

static void test_a_worker_that_ends_while_it_fetches(void **state)
{
	static struct quota_table t;
	struct watched_quota *u = quota_join(&t, "zai", false);

	(void)state;
	quota_join(&t, "zai", false);
	quota_begin_fetch(u);
	quota_leave(u, true);
	assert_true(quota_due(u, 1000));
	assert_int_equal(u->workers, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_two_are_enough),
		cmocka_unit_test(test_back_off_is_bounded),
		cmocka_unit_test(test_places_are_given_away_unwatched_and_oldest_first),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_a_worker_that_ends_while_it_fetches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
