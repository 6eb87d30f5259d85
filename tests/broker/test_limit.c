/*
 * tests/broker/test_limit.c - the text of a limit, calendar windows, and who is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/fail.h"
#include "broker/limit.h"

#define CET 3600
#define CEST 7200

static void test_texts(void **state)
{
	static const struct {
		const char *typed, *sealed;
	} row[] = {
		{ "off", "off" },
		{ "5M/day", "5M/day" },
		{ "500k/hour", "500k/hour" },
		{ "1.5M/week", "1500k/week" },
		{ "2000k/month", "2M/month" },
		{ "1000000M/month", "1000000M/month" },
		{ "$10/day", "$10/day" },
		{ "$0.5/hour", "$0.50/hour" },
		{ "$0.000001/month", "$0.000001/month" },
		{ "$1000000/month", "$1000000/month" },
		{ "200/hour", "200/hour" },
		{ "1000000000/day", "1000000000/day" },
		{ "200/hour $10/day", "$10/day 200/hour" },
		{ "999999999/month $999999.999999/month 999999999k/month",
		  "999999999k/month $999999.999999/month 999999999/month" },
	};
	char text[LIMIT_TEXT], again[LIMIT_TEXT], words[LIMIT_WORDS];
	struct limit l;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(limit_parse(&l, row[i].typed, NULL), 0);
		limit_format(&l, text);
		assert_string_equal(text, row[i].sealed);
		assert_int_equal(limit_parse(&l, text, NULL), 0);
		limit_format(&l, again);
		assert_string_equal(text, again);
	}
	assert_int_equal(limit_parse(&l, "off", NULL), 0);
	limit_describe(&l, words);
	assert_string_equal(words, "off");
	assert_int_equal(limit_parse(&l, "500k/day 1/hour", NULL), 0);
	limit_describe(&l, words);
	assert_string_equal(words, "500k tokens a day, 1 request an hour");
	assert_int_equal(limit_parse(&l, row[i - 1].typed, NULL), 0);
	limit_describe(&l, words);
	assert_true(strlen(words) < LIMIT_WORDS - 1 && strstr(words, " requests a month"));
	assert_int_equal(limit_parse(&l, "5M/day $0.50/week", NULL), 0);
	assert_int_equal(l.of[LIMIT_TOKENS].most, 5000000);
	assert_int_equal(l.of[LIMIT_TOKENS].per, LIMIT_DAY);
	assert_int_equal(l.of[LIMIT_MONEY].most, 500000);
	assert_int_equal(l.of[LIMIT_MONEY].per, LIMIT_WEEK);
	assert_int_equal(l.of[LIMIT_REQUESTS].most, 0);
}

static void test_wrong_texts(void **state)
{
	static const struct {
		const char *text, *why;
	} row[] = {
		{ "", "blank" },
		{ " 5M/day", "blank" },
		{ "5M/day ", "blank" },
		{ "5M/day  $1/day", "blank" },
		{ "5M/day, $1/day", "period is" },
		{ "5M/day\t$1/day", "period is" },
		{ "5M", "period is missing" },
		{ "5M/", "period is hour" },
		{ "5M/days", "period is hour" },
		{ "5M/Day", "period is hour" },
		{ "5M/year", "period is hour" },
		{ "5M/day/day", "period is hour" },
		{ "/day", "number is missing" },
		{ "$/day", "dollars" },
		{ "$-1/day", "dollars" },
		{ "$1,50/day", "dollars" },
		{ "$0.0000001/day", "dollars" },
		{ "$1000000.01/day", "dollars" },
		{ "10$/day", "requests" },
		{ "M/day", "tokens" },
		{ "-5M/day", "tokens" },
		{ "5 M/day", "period is missing" },
		{ "05M/day", "tokens" },
		{ "1000001M/day", "tokens" },
		{ "1000000001k/day", "tokens" },
		{ "99999999999999999999999M/day", "tokens" },
		{ "0.5k/day", "whole thousands" },
		{ "0.0001M/day", "whole thousands" },
		{ "5m/day", "M for millions" },
		{ "5K/day", "k is for thousands" },
		{ "200.0/hour", "requests" },
		{ "1000000001/hour", "requests" },
		{ "0/hour", "nothing" },
		{ "0M/hour", "nothing" },
		{ "$0.00/hour", "nothing" },
		{ "5M/day 500k/hour", "one limit each" },
		{ "5M/day off", "off stands alone" },
		{ "off 5M/day", "off stands alone" },
		{ "OFF", "period is missing" },
	};
	struct limit l, before;
	unsigned i;

	(void)state;
	memset(&l, 0x5a, sizeof(l));
	before = l;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct failure f = { 0 };

		assert_int_equal(limit_parse(&l, row[i].text, &f), -1);
		assert_int_equal(f.code, FAIL_BAD_VALUE);
		if (!strstr(f.what, row[i].why))
			fail_msg("\"%s\": %s", row[i].text, f.what);
		assert_true(f.hint[0]);
	}
	assert_memory_equal(&l, &before, sizeof(l));
}

/* ---- windows ---- */

/* A local time, written as such, in a zone. */
static struct limit_time at(const char *local, int32_t offset)
{
	struct limit_time t = { 0, offset };
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	assert_non_null(strptime(local, "%Y-%m-%d %H:%M:%S", &tm));
	t.epoch = timegm(&tm) - offset;
	return t;
}

static void assert_ends(enum limit_period per, const char *local, int32_t offset, const char *end)
{
	struct limit_time now = at(local, offset);
	struct limit_window w, next, before;
	char text[32];
	time_t ends;
	struct tm tm;

	limit_window_of(per, &now, &w);
	ends = (time_t)w.ends_local;
	assert_non_null(gmtime_r(&ends, &tm));
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	assert_string_equal(text, end);
	assert_int_equal(w.ends, w.ends_local - offset);
	now.epoch = w.ends - 1;
	limit_window_of(per, &now, &before);
	assert_int_equal(before.number, w.number);
	now.epoch = w.ends;
	limit_window_of(per, &now, &next);
	assert_int_equal(next.number, w.number + 1);
}

static void test_windows(void **state)
{
	(void)state;
	assert_ends(LIMIT_HOUR, "2026-11-28 13:59:59", CET, "2026-11-28 14:00:00");
	assert_ends(LIMIT_HOUR, "2026-11-28 14:00:00", 20700, "2026-11-28 15:00:00"); /* Nepal */
	assert_ends(LIMIT_HOUR, "2026-12-31 23:00:00", -12600, "2027-01-01 00:00:00");
	assert_ends(LIMIT_DAY, "2026-11-28 00:00:00", 50400, "2026-11-29 00:00:00");
	assert_ends(LIMIT_DAY, "2028-02-28 23:59:59", CET, "2028-02-29 00:00:00");
	assert_ends(LIMIT_DAY, "2027-02-28 23:59:59", CET, "2027-03-01 00:00:00");
	assert_ends(LIMIT_WEEK, "2026-11-29 23:59:59", CET, "2026-11-30 00:00:00"); /* Sunday */
	assert_ends(LIMIT_WEEK, "2026-11-30 00:00:00", CET, "2026-12-07 00:00:00"); /* Monday */
	assert_ends(LIMIT_MONTH, "2026-11-30 23:59:59", CET, "2026-12-01 00:00:00");
	assert_ends(LIMIT_MONTH, "2026-12-01 00:00:00", CET, "2027-01-01 00:00:00");
	assert_ends(LIMIT_MONTH, "2028-02-29 12:00:00", CET, "2028-03-01 00:00:00");
	assert_ends(LIMIT_MONTH, "2100-02-28 12:00:00", CET, "2100-03-01 00:00:00");
	assert_ends(LIMIT_MONTH, "1969-12-31 23:59:59", 0, "1970-01-01 00:00:00");
	assert_ends(LIMIT_WEEK, "1969-12-28 23:59:59", 0, "1969-12-29 00:00:00");
}

/* Every month from 1900 to 2400, against the C library's calendar. */
static void test_months(void **state)
{
	struct limit_time now = { 0, 0 };
	struct limit_window w;
	int64_t number = 0;
	struct tm tm;
	time_t t;
	int i;

	(void)state;
	for (i = 0; i < 500 * 12; i++) {
		memset(&tm, 0, sizeof(tm));
		tm.tm_year = i / 12;
		tm.tm_mon = i % 12;
		tm.tm_mday = 1;
		now.epoch = timegm(&tm);
		limit_window_of(LIMIT_MONTH, &now, &w);
		assert_true(i == 0 || w.number == number + 1);
		number = w.number;
		tm.tm_mon++;
		t = timegm(&tm);
		assert_int_equal(w.ends, t);
	}
}

static void test_absurd_times(void **state)
{
	static const struct limit_time times[] = {
		{ INT64_MAX, INT32_MAX },
		{ INT64_MIN, INT32_MIN },
		{ INT64_MAX, INT32_MIN },
		{ INT64_MIN, INT32_MAX },
	};
	struct limit_window w;
	unsigned i;
	int per;

	(void)state;
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		for (per = 0; per < LIMIT_PERIODS; per++)
			limit_window_of((enum limit_period)per, &times[i], &w);
}

/* ---- counting ---- */

static struct limit limit_of(const char *text)
{
	struct limit l;

	assert_int_equal(limit_parse(&l, text, NULL), 0);
	return l;
}

static bool allows(const char *text, const struct limit_counters *c, uint64_t tokens,
		   uint64_t micros, struct limit_time now)
{
	const uint64_t estimate[LIMIT_KINDS] = { tokens, micros, 1 };
	struct limit l = limit_of(text);

	return limit_allows(&l, c, estimate, &now, NULL);
}

static void count(struct limit_counters *c, uint64_t tokens, uint64_t micros, struct limit_time now)
{
	const uint64_t used[LIMIT_KINDS] = { tokens, micros, 1 };

	limit_count(c, used, &now);
}

static void test_allowed(void **state)
{
	struct limit_counters c = { 0 };
	struct limit_time noon = at("2026-11-28 12:00:00", CET);

	(void)state;
	assert_true(allows("5M/day", &c, 5000000, 0, noon));
	assert_false(allows("5M/day", &c, 5000001, 0, noon));
	count(&c, 4000000, 9000000, noon);
	assert_true(allows("off", &c, UINT64_MAX, UINT64_MAX, noon));
	assert_true(allows("5M/day", &c, 1000000, 0, noon));
	assert_false(allows("5M/day", &c, 1000001, 0, noon));
	assert_false(allows("5M/day", &c, UINT64_MAX, 0, noon));
	assert_true(allows("$10/day", &c, 0, 1000000, noon));
	assert_false(allows("$10/day", &c, 0, 1000001, noon));
	assert_true(allows("2/hour", &c, 0, 0, noon));
	assert_false(allows("1/hour", &c, 0, 0, noon));
	/* Exactly used up: not even an estimate of nothing passes. */
	assert_false(allows("4M/day", &c, 0, 0, noon));
	/* The next hour, day, ... */
	assert_true(allows("1/hour", &c, 0, 0, at("2026-11-28 13:00:00", CET)));
	assert_false(allows("4M/day", &c, 0, 0, at("2026-11-28 23:59:59", CET)));
	assert_true(allows("4M/day", &c, 0, 0, at("2026-11-29 00:00:00", CET)));
	assert_false(allows("4M/week", &c, 0, 0, at("2026-11-29 23:59:59", CET)));
	assert_true(allows("4M/week", &c, 0, 0, at("2026-11-30 00:00:00", CET)));
	assert_false(allows("4M/month", &c, 0, 0, at("2026-11-30 00:00:00", CET)));
	assert_true(allows("4M/month", &c, 0, 0, at("2026-12-01 00:00:00", CET)));
}

static void test_refusal(void **state)
{
	const uint64_t nothing[LIMIT_KINDS] = { 0 };
	struct limit_counters c = { 0 };
	struct limit l = limit_of("5M/month $1/hour 1/day");
	struct limit_time noon = at("2026-11-28 12:30:00", CET);
	struct limit_refusal r;
	char text[LIMIT_TEXT];

	(void)state;
	count(&c, 1000, 2000000, noon);
	assert_false(limit_allows(&l, &c, nothing, &noon, &r));
	limit_format(&r.which, text);
	assert_string_equal(text, "1/day"); /* it ends after the hour's */
	assert_int_equal(r.used, 1);
	assert_int_equal(r.window.ends, at("2026-11-29 00:00:00", CET).epoch);
	l.of[LIMIT_REQUESTS].most = 0;
	assert_false(limit_allows(&l, &c, nothing, &noon, &r));
	limit_format(&r.which, text);
	assert_string_equal(text, "$1/hour");
	assert_int_equal(r.used, 2000000);
	assert_int_equal(r.window.ends, at("2026-11-28 13:00:00", CET).epoch);
}

static void test_full_counters(void **state)
{
	struct limit_counters c = { 0 };
	struct limit_time noon = at("2026-11-28 12:00:00", CET);

	(void)state;
	count(&c, UINT64_MAX - 1, 1, noon);
	count(&c, 5, UINT64_MAX, noon);
	assert_int_equal(c.used[LIMIT_DAY][LIMIT_TOKENS], UINT64_MAX);
	assert_int_equal(c.used[LIMIT_MONTH][LIMIT_MONEY], UINT64_MAX);
	assert_int_equal(c.used[LIMIT_HOUR][LIMIT_REQUESTS], 2);
	assert_false(allows("1000000M/day", &c, 1, 0, noon));
}

static void test_summer_time(void **state)
{
	struct limit_counters c = { 0 };

	(void)state;
	/* 2026-10-25: at 03:00 summer time it is 02:00 once more.  One window of two hours. */
	count(&c, 1000, 0, at("2026-10-25 02:30:00", CEST));
	assert_false(allows("1k/hour", &c, 1, 0, at("2026-10-25 02:00:00", CET)));
	assert_false(allows("1k/hour", &c, 1, 0, at("2026-10-25 02:59:59", CET)));
	assert_true(allows("1k/hour", &c, 1, 0, at("2026-10-25 03:00:00", CET)));
	assert_false(allows("1k/day", &c, 1, 0, at("2026-10-25 23:59:59", CET)));
	assert_true(allows("1k/day", &c, 1, 0, at("2026-10-26 00:00:00", CET)));
	/* 2026-03-29: from 02:00 to 03:00. */
	memset(&c, 0, sizeof(c));
	count(&c, 1000, 0, at("2026-03-29 01:59:59", CET));
	assert_true(allows("1k/hour", &c, 1, 0, at("2026-03-29 03:00:00", CEST)));
	assert_false(allows("1k/day", &c, 1, 0, at("2026-03-29 23:59:59", CEST)));
	assert_true(allows("1k/day", &c, 1, 0, at("2026-03-30 00:00:00", CEST)));
}

static void test_clock_goes_back(void **state)
{
	struct limit_time east = at("2026-11-28 09:00:00", 50400);
	struct limit_counters c = { 0 };

	(void)state;
	/* From one end of the time zones to the other: yesterday, but nothing to use again. */
	count(&c, 1000, 0, east);
	assert_false(allows("1k/day", &c, 1, 0, (struct limit_time){ east.epoch, -43200 }));
	assert_false(allows("1k/hour", &c, 1, 0, (struct limit_time){ east.epoch, -43200 }));
	count(&c, 1000, 0, (struct limit_time){ east.epoch, -43200 });
	assert_int_equal(c.used[LIMIT_DAY][LIMIT_TOKENS], 2000);
	/* A clock that was years ahead keeps nobody out until then, and empties nothing. */
	memset(&c, 0, sizeof(c));
	count(&c, 1000, 0, at("2099-01-01 00:00:00", CET));
	assert_false(allows("1k/day", &c, 1, 0, at("2026-11-28 12:00:00", CET)));
	count(&c, 1000, 0, at("2026-11-28 12:00:00", CET));
	assert_int_equal(c.used[LIMIT_DAY][LIMIT_TOKENS], 2000);
	assert_true(allows("1k/day", &c, 1, 0, at("2026-11-29 00:00:00", CET)));
}

/* Who sets the clock forward and back again finds the window as full as it was. */
static void test_clock_goes_forward_and_back(void **state)
{
	struct limit_time today = at("2026-11-28 12:00:00", CET);
	struct limit_counters c = { 0 };

	(void)state;
	count(&c, 600, 0, today);
	count(&c, 100, 0, at("2031-01-01 00:00:00", CET));
	assert_int_equal(c.used[LIMIT_DAY][LIMIT_TOKENS], 100);
	assert_false(allows("1k/day", &c, 301, 0, today));
	assert_true(allows("1k/day", &c, 300, 0, today));
	count(&c, 300, 0, today);
	assert_int_equal(c.used[LIMIT_DAY][LIMIT_TOKENS], 1000);
	assert_int_equal(c.used[LIMIT_MONTH][LIMIT_TOKENS], 1000);
	assert_true(allows("1k/day", &c, 1000, 0, at("2026-11-29 00:00:00", CET)));
	/* A clock that is years behind for a while, as after a boot without a battery. */
	memset(&c, 0, sizeof(c));
	count(&c, 600, 0, today);
	count(&c, 100, 0, at("1970-01-01 00:00:10", CET));
	assert_int_equal(c.used[LIMIT_DAY][LIMIT_TOKENS], 700);
	assert_false(allows("1k/day", &c, 301, 0, today));
	count(&c, 300, 0, today);
	assert_int_equal(c.used[LIMIT_DAY][LIMIT_TOKENS], 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_wrong_texts),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_months),
		cmocka_unit_test(test_absurd_times),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_full_counters),
		cmocka_unit_test(test_summer_time),
		cmocka_unit_test(test_clock_goes_back),
		cmocka_unit_test(test_clock_goes_forward_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
