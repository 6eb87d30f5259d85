/*
 * tests/relay/test_request_model.c - the model in the beginning of a request's body, and when the
 * search for it is over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "relay/request_model.h"

#define ROOM 4096

/* A search in a request whose body comes piece by piece. */
static struct search {
	char text[ROOM], model[REQUEST_MODEL_SIZE];
	struct buffer in;
	struct http_request_reader reader;
	struct request_model s;
} now;

/* more: fields of the head. */
static void begin(const char *more)
{
	int n;

	memset(&now, 0, sizeof(now));
	n = snprintf(now.text, sizeof(now.text),
		     "POST /v1/messages HTTP/1.1\r\nHost: h\r\n"
		     "Content-Type: application/json\r\n%s\r\n",
		     more);
	now.in = (struct buffer){ .p = now.text, .size = ROOM, .to = (size_t)n };
	http_request_init(&now.reader);
	assert_int_equal(http_request_read(&now.reader, now.text, (size_t)n), HTTP_DONE);
	request_model_start(&now.s);
}

static void begin_plain(size_t length)
{
	char field[64];

	snprintf(field, sizeof(field), "Content-Length: %zu\r\n", length);
	begin(field);
}

static bool finds(const char *body, size_t n)
{
	memcpy(now.text + now.in.to, body, n);
	now.in.to += n;
	return request_model_find(&now.s, &now.reader.request, &now.in, now.model);
}

/* After how many bytes it is over; -1: not with all of them. */
static int over_after(const char *body)
{
	size_t i, n = strlen(body);

	for (i = 0; i < n; i++)
		if (finds(body + i, 1))
			return (int)i + 1;
	return -1;
}

static const struct {
	const char *body, *model;
	int over; /* by so many bytes; 0: all of them */
} cases[] = {
	{ "{\"model\":\"m-1\",\"x\":1}", "m-1", 14 },
	{ "{\"x\":\"y\",\"model\":\"m-1\"}", "m-1", 22 },
	{ "{\"x\":{\"model\":\"no\"},\"model\":\"m-1\"}", "m-1", 33 },
	{ "{\"Model\":\"no\"}", "", 0 },
	{ "{\"x\":\"model\",\"y\":\"no\"}", "", 0 },
	{ "{\"model\":7}", "", 0 },
	{ "{\"model\":null,\"x\":\"no\"}", "", 0 },
	{ "{\"model\":\"two words\"}", "", 0 },
	{ "{\"x\":1}", "", 0 },
	/* of two the first, as long as it is one */
	{ "{\"model\":\"m-1\",\"model\":\"m-2\"}", "m-1", 14 },
	{ "{\"model\":\"two words\",\"model\":\"m-2\"}", "m-2", 34 },
	/* no JSON: nothing more is looked for */
	{ "{\"x\":1,,\"model\":\"no\"}", "", 8 },
	{ "[\"model\",\"no\"]", "", 1 },
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static void test_bytes_of_a_length(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < CASES; i++) {
		size_t n = strlen(cases[i].body);

		begin_plain(n);
		assert_int_equal(over_after(cases[i].body), cases[i].over ? cases[i].over : (int)n);
		assert_string_equal(now.model, cases[i].model);
		/* At once, and with the next request behind it. */
		begin_plain(n);
		memcpy(now.text + now.in.to, cases[i].body, n);
		now.in.to += n;
		assert_true(finds("{\"model\":\"next\"}", 16));
		assert_string_equal(now.model, cases[i].model);
	}
	/* It is over with the body, whatever that is. */
	begin_plain(3);
	assert_false(finds("{\"x", 2));
	assert_true(finds("x", 1));
	assert_string_equal(now.model, "");
}

static void test_chunks(void **state)
{
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < CASES; i++) {
		size_t n = strlen(cases[i].body);

		begin("Transfer-Encoding: chunked\r\n");
		snprintf(text, sizeof(text), "1\r\n%c\r\n%zx\r\n%s\r\n0\r\n\r\n", cases[i].body[0],
			 n - 1, cases[i].body + 1);
		assert_true(over_after(text) > 0);
		assert_string_equal(now.model, cases[i].model);
		begin("Transfer-Encoding: chunked\r\n");
		assert_true(finds(text, strlen(text)));
		assert_string_equal(now.model, cases[i].model);
		/* A model is waited for as long as chunks come. */
		begin("Transfer-Encoding: chunked\r\n");
		snprintf(text, sizeof(text), "2\r\n{ \r\n");
		assert_int_equal(over_after(text), -1);
	}
	/* What is no chunk is refused when it is taken, and not waited for. */
	begin("Transfer-Encoding: chunked\r\n");
	assert_true(finds("xyz\r\n", 5));
	assert_string_equal(now.model, "");
}

static void test_none_to_come(void **state)
{
	(void)state;
	begin_plain(0);
	assert_true(finds("", 0));
	/* No room for more of it. */
	begin_plain(ROOM);
	now.in.size = now.in.to + 8;
	assert_false(finds("{\"model", 7));
	assert_true(finds("\"", 1));
	assert_string_equal(now.model, "");
}

static void test_it_stays(void **state)
{
	(void)state;
	begin_plain(40);
	assert_true(finds("{\"model\":\"m-1\"", 14));
	memset(now.text + now.in.to - 14, 'x', 14);
	assert_true(finds(",\"model\":\"m-2\"", 14));
	assert_string_equal(now.model, "m-1");
	/* Also that there is none. */
	begin_plain(40);
	assert_true(finds("{\"x\",", 5));
	memset(now.model, 0, sizeof(now.model));
	assert_true(finds("{\"model\":\"m-2\"}", 15));
	assert_string_equal(now.model, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_of_a_length),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_none_to_come),
		cmocka_unit_test(test_it_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
