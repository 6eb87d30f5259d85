/*
 * tests/lock/test_lock.c - when a vault locks by itself, over made-up times, and
 * lengths of time as people write them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/duration.h"
#include "broker/auto_lock.h"
#include "vault/lock_settings.h"
#include "vault/vault.h"

#define S 1000 /* milliseconds */
#define DAY (24ll * 3600 * S)

static void test_due(void **state)
{
	static const struct {
		uint64_t idle, longest; /* seconds */
		int64_t opened, used, now;
		enum lock_reason want;
	} table[] = {
		/* no limit: never, not after a year either */
		{ 0, 0, 0, 0, 0, LOCK_REASON_START },
		{ 0, 0, 0, 0, 400 * DAY, LOCK_REASON_START },
		{ 0, 0, 5, 5, INT64_MAX, LOCK_REASON_START },
		/* idle: at the second, not a millisecond before */
		{ 60, 0, 0, 0, 60 * S - 1, LOCK_REASON_START },
		{ 60, 0, 0, 0, 60 * S, LOCK_REASON_IDLE },
		{ 60, 0, 0, 30 * S, 60 * S, LOCK_REASON_START },
		{ 60, 0, 0, 30 * S, 90 * S, LOCK_REASON_IDLE },
		/* longest: a use does not put it off */
		{ 0, 60, 0, 59 * S, 60 * S - 1, LOCK_REASON_START },
		{ 0, 60, 0, 60 * S, 60 * S, LOCK_REASON_LONGEST },
		{ 0, 60, 10 * S, 10 * S, 69 * S, LOCK_REASON_START },
		{ 0, 60, 10 * S, 10 * S, 70 * S, LOCK_REASON_LONGEST },
		/* both: the harder one is told */
		{ 60, 60, 0, 0, 60 * S, LOCK_REASON_LONGEST },
		{ 60, 600, 0, 0, 60 * S, LOCK_REASON_IDLE },
		{ 600, 60, 0, 0, 60 * S, LOCK_REASON_LONGEST },
		{ 60, 600, 0, 599 * S, 600 * S, LOCK_REASON_LONGEST },
		/* the machine slept for a week: both are over */
		{ 0, 43200, 0, 0, 7 * DAY, LOCK_REASON_LONGEST },
		{ 1800, 0, 0, 0, 7 * DAY, LOCK_REASON_IDLE },
		/* the largest settings */
		{ LOCK_TIME_MAX, LOCK_TIME_MAX, 0, 0, 366 * DAY - 1, LOCK_REASON_START },
		{ LOCK_TIME_MAX, 0, 0, 0, 366 * DAY, LOCK_REASON_IDLE },
		{ 0, LOCK_TIME_MAX, 0, 0, 366 * DAY, LOCK_REASON_LONGEST },
		/* a time from before `now` was taken */
		{ 1, 1, 5 * S, 5 * S, 4 * S, LOCK_REASON_START },
	};
	struct lock_settings s = { 0, 0, LOCK_EVENTS_ALL, false };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		s.idle = table[i].idle;
		s.longest = table[i].longest;
		if (lock_due(&s, table[i].opened, table[i].used, table[i].now) != table[i].want)
			fail_msg("row %zu: wanted %s", i, lock_reason_name(table[i].want));
	}
}

static void test_wanted(void **state)
{
	static const enum lock_reason events[] = { LOCK_REASON_SUSPEND, LOCK_REASON_SCREEN,
						   LOCK_REASON_LOGOUT };
	static const enum lock_reason always[] = { LOCK_REASON_START, LOCK_REASON_REQUEST,
						   LOCK_REASON_IDLE, LOCK_REASON_LONGEST,
						   LOCK_REASON_MOVED };
	struct lock_settings s = { 0, 0, 0, false };
	size_t i;

	(void)state;
	for (s.events = 0; s.events <= LOCK_EVENTS_ALL; s.events++) {
		for (i = 0; i < 3; i++)
			assert_int_equal(lock_event_wanted(&s, events[i]), s.events >> i & 1);
		for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
			assert_true(lock_event_wanted(&s, always[i]));
	}
}

/* A person's lock, a vault that moved away and a broker that is hidden spare nothing. */
static void test_automatic(void **state)
{
	int why;

	(void)state;
	for (why = 0; why < LOCK_REASON_COUNT; why++)
		assert_int_equal(lock_is_automatic((enum lock_reason)why),
				 why != LOCK_REASON_REQUEST && why != LOCK_REASON_MOVED &&
					 why != LOCK_REASON_HIDDEN);
}

static void test_names(void **state)
{
	int why, other;

	(void)state;
	for (why = 0; why < LOCK_REASON_COUNT; why++) {
		assert_non_null(lock_reason_name((enum lock_reason)why));
		assert_int_equal(lock_reason_from_name(lock_reason_name((enum lock_reason)why)),
				 why);
		for (other = 0; other < why; other++)
			assert_string_not_equal(lock_reason_name((enum lock_reason)why),
						lock_reason_name((enum lock_reason)other));
	}
	assert_int_equal(lock_reason_from_name(""), -1);
	assert_int_equal(lock_reason_from_name("Idle"), -1);
	assert_int_equal(lock_reason_from_name("idle "), -1);
}

/* ---- lengths of time ---- */

static void test_duration_parse(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} good[] = { { "0", 0 },
		     { "0d", 0 },
		     { "90", 90 },
		     { "90s", 90 },
		     { "30m", 1800 },
		     { "12h", 43200 },
		     { "7d", 604800 },
		     { "007d", 604800 },
		     { "999999999", 999999999 },
		     { "999999999d", 999999999ull * 86400 } };
	static const char *const bad[] = { "",
					   "s",
					   "m",
					   "-1",
					   "+1",
					   " 1",
					   "1 ",
					   "1 m",
					   "1ms",
					   "1w",
					   "1M",
					   "1D",
					   "1.5h",
					   "1h30m",
					   "0x10",
					   "1e3",
					   "9999999999",
					   "1000000000d",
					   "99999999999999999999",
					   "1\n",
					   "\xd9\xa1" };
	uint64_t got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(duration_parse(good[i].text, &got), 0);
		assert_true(got == good[i].seconds);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (duration_parse(bad[i], &got) != -1)
			fail_msg("'%s' was taken", bad[i]);
}

static void test_duration_format(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} table[] = { { 0, "0s" },
		      { 1, "1s" },
		      { 59, "59s" },
		      { 60, "1m" },
		      { 61, "61s" },
		      { 90, "90s" },
		      { 1800, "30m" },
		      { 3600, "1h" },
		      { 5400, "90m" },
		      { 43200, "12h" },
		      { 86400, "1d" },
		      { 90000, "25h" },
		      { 86401, "86401s" },
		      { LOCK_TIME_MAX, "366d" },
		      { UINT64_MAX, "18446744073709551615s" } };
	char text[DURATION_TEXT];
	uint64_t back;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		duration_format(table[i].seconds, text);
		assert_string_equal(text, table[i].text);
	}
	/* what is printed can be typed */
	for (i = 0; i < 200000; i += 7) {
		duration_format(i, text);
		assert_int_equal(duration_parse(text, &back), 0);
		assert_true(back == i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_automatic),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_duration_parse),
		cmocka_unit_test(test_duration_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
