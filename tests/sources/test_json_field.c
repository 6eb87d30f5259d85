/*
 * tests/sources/test_json_field.c - when a key ends, by a manager's JSON; RFC 3339 times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/date.h"
#include "base/fail.h"
#include "helpers/source/json_field.h"
#include "json/locked.h"

#define NOW 1800000000 /* 2027-01-15T08:00:00Z */

/* The seconds for a field "end" of that value, or -1. */
static int64_t seconds_of(const char *value)
{
	struct failure f = { .code = FAIL_NONE };
	const struct json_t *root;
	uint64_t seconds;
	char text[128];
	int r = -1;

	snprintf(text, sizeof(text), "{\"a\": {\"end\": %s}}", value);
	assert_int_equal(js_locked_begin(65536, NULL), 0);
	root = js_field_parse((const uint8_t *)text, strlen(text), &f);
	assert_non_null(root);
	r = js_field_end(root, "a.end", NOW, &seconds, &f);
	js_locked_end();
	assert_int_equal(r == 0, f.code == FAIL_NONE);
	return r == 0 ? (int64_t)seconds : -1;
}

static void test_ends(void **state)
{
	(void)state;
	assert_int_equal(seconds_of("3600"), 3600);
	assert_int_equal(seconds_of("\"3600\""), 3600);
	assert_int_equal(seconds_of("0"), 0);
	assert_int_equal(seconds_of("1800000060"), 60);
	assert_int_equal(seconds_of("1800000060.7"), 60);
	assert_int_equal(seconds_of("1800000060000"), 60);
	assert_int_equal(seconds_of("\"2027-01-15T08:01:00Z\""), 60);
	assert_int_equal(seconds_of("\"2027-01-15T10:01:00.25+02:00\""), 60);
	/* over */
	assert_int_equal(seconds_of("1700000000"), 0);
	assert_int_equal(seconds_of("\"2020-01-01T00:00:00Z\""), 0);
}

static void test_ends_that_are_none(void **state)
{
	static const char *const none[] = { "-1",    "true", "\"soon\"", "\"\"",	  "[1]",
					    "1e300", "{}",   "\"-5\"",	 "\"2027-01-15\"" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(seconds_of(none[i]), -1);
}

static void test_end_that_is_not_there(void **state)
{
	struct failure f = { .code = FAIL_NONE };
	const struct json_t *root;
	uint64_t seconds = 0;

	(void)state;
	assert_int_equal(js_locked_begin(65536, NULL), 0);
	root = js_field_parse((const uint8_t *)"{\"end\": null}", 13, &f);
	assert_non_null(root);
	assert_int_equal(js_field_end(root, "end", NOW, &seconds, &f), 0);
	assert_true(seconds == FIELD_NO_END);
	seconds = 0;
	assert_int_equal(js_field_end(root, "other", NOW, &seconds, &f), 0);
	assert_true(seconds == FIELD_NO_END);
	js_locked_end();
}

static void test_dates(void **state)
{
	static const char *const bad[] = { "",
					   "2027-01-15T08:00:00",
					   "2027-01-15 08:00:00Z",
					   "2027-1-15T08:00:00Z",
					   "2027-13-15T08:00:00Z",
					   " 2027-01-15T08:00:00Z",
					   "2027-01-15T08:00:00.Z",
					   "2027-01-15T08:00:00Zx",
					   "2027-01-15T08:00:00+0100" };
	int64_t at;
	size_t i;

	(void)state;
	assert_int_equal(date_parse("1970-01-01T00:00:00Z", &at), 0);
	assert_int_equal(at, 0);
	assert_int_equal(date_parse("2027-01-15T08:00:00Z", &at), 0);
	assert_int_equal(at, NOW);
	assert_int_equal(date_parse("2027-01-15T06:30:00.999-01:30", &at), 0);
	assert_int_equal(at, NOW);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(date_parse(bad[i], &at), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_ends_that_are_none),
		cmocka_unit_test(test_end_that_is_not_there),
		cmocka_unit_test(test_dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
