/*
 * tests/relay/test_api_error.c - the relay's own answers: whole, framed, and valid JSON
 * whatever the text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/utf8.h"
#include "relay/api_error.h"
#include "relay/http_answer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char out[API_ERROR_MAX];

static void expect_whole(const struct api_error *e, const char *wanted)
{
	size_t n = api_error_write(e, out);

	assert_int_equal(n, strlen(wanted));
	assert_memory_equal(out, wanted, n);
}

static void test_whole_answers(void **state)
{
	struct api_error e = { 529, API_OVERLOADED, "ccrun: the vault is locked: ccctl unlock",
			       5,   false,	    NULL };

	(void)state;
	expect_whole(&e, "HTTP/1.1 529 Overloaded\r\n"
			 "content-type: application/json\r\n"
			 "content-length: 105\r\n"
			 "retry-after: 5\r\n"
			 "\r\n"
			 "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
			 "\"message\":\"ccrun: the vault is locked: ccctl unlock\"}}");
	e = (struct api_error){ 403, API_PERMISSION, "no", 0, true, "no-host" };
	expect_whole(&e, "HTTP/1.1 403 Forbidden\r\n"
			 "content-type: application/json\r\n"
			 "content-length: 67\r\n"
			 "ccrun-cause: no-host\r\n"
			 "connection: close\r\n"
			 "\r\n"
			 "{\"type\":\"error\",\"error\":{\"type\":\"permission_error\","
			 "\"message\":\"no\"}}");
}

/* Write it, and read the head and the body as claude would; returns the body. */
static json_t *read_back(const struct api_error *e)
{
	struct answer_head h = { 0 };
	size_t n = api_error_write(e, out);
	json_t *body;

	assert_true(n <= API_ERROR_MAX);
	assert_int_equal(answer_head_read(&h, out, n, NULL), 1);
	assert_int_equal(h.framing, ANSWER_LENGTH);
	assert_int_equal(h.length + h.body_length, n);
	assert_int_equal(h.last, e->close);
	assert_int_equal(h.status, e->status >= 400 && e->status < 600 ? e->status : 500);
	body = json_loadb(out + h.length, n - h.length, 0, NULL);
	assert_non_null(body);
	assert_string_equal(json_string_value(json_object_get(body, "type")), "error");
	return body;
}

static const char *error_member(const json_t *body, const char *name)
{
	return json_string_value(json_object_get(json_object_get(body, "error"), name));
}

static void expect_text(const char *text, const char *wanted)
{
	struct api_error e = { 400, API_INVALID_REQUEST, text, 0, false, NULL };
	json_t *body = read_back(&e);

	assert_string_equal(error_member(body, "message"), wanted);
	json_decref(body);
}

static void test_texts(void **state)
{
	char text[API_ERROR_TEXT_MAX + 2], wanted[API_ERROR_TEXT_MAX + 1];
	unsigned c;

	(void)state;
	expect_text("", "");
	expect_text("\"}}\\\r\n\r\n", "\"}}\\\r\n\r\n");
	expect_text("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x92",
		    "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x92");
	expect_text("a\xff\xc3", "a\xef\xbf\xbd\xef\xbf\xbd");
	for (c = 1; c < 0x80; c++) {
		char one[2] = { (char)c, '\0' };

		expect_text(one, one);
	}
	/* A control character of a terminal never stands in the body itself. */
	expect_text("\x1b[0m\x7f\xc2\x9b", "\x1b[0m\x7f\xc2\x9b");
	assert_null(memchr(out, '\x1b', sizeof(out)));
	assert_null(memchr(out, '\xc2', sizeof(out)));
	/* The longest, of what takes most room, and one byte more. */
	memset(text, '\x01', sizeof(text));
	text[API_ERROR_TEXT_MAX] = '\0';
	expect_text(text, text);
	memcpy(wanted, text, sizeof(wanted));
	text[API_ERROR_TEXT_MAX] = '\x01';
	text[API_ERROR_TEXT_MAX + 1] = '\0';
	expect_text(text, wanted);
	/* Never half a character. */
	memcpy(text + API_ERROR_TEXT_MAX - 1, "\xc3\xbc", 2);
	wanted[API_ERROR_TEXT_MAX - 1] = '\0';
	expect_text(text, wanted);
}

static void test_statuses_and_types(void **state)
{
	static const char *const names[] = {
		[API_ERROR] = "api_error",
		[API_AUTHENTICATION] = "authentication_error",
		[API_INVALID_REQUEST] = "invalid_request_error",
		[API_NOT_FOUND] = "not_found_error",
		[API_OVERLOADED] = "overloaded_error",
		[API_PERMISSION] = "permission_error",
		[API_RATE_LIMIT] = "rate_limit_error",
		[API_REQUEST_TOO_LARGE] = "request_too_large",
	};
	struct api_error e = { .text = "x", .retry_after = UINT32_MAX };
	json_t *body;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		e.type = (enum api_error_type)i;
		e.status = 429;
		body = read_back(&e);
		assert_string_equal(error_member(body, "type"), names[i]);
		json_decref(body);
	}
	for (e.status = 0; e.status < 1000; e.status++)
		json_decref(read_back(&e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_answers),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_statuses_and_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
