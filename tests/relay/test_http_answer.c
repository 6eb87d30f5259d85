/*
 * tests/relay/test_http_answer.c - heads of answers: what is read, what is refused as
 * ambiguous, and what claude gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "relay/http_answer.h"
#include "relay/http_text.h"
#include "relay/secret_filter.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct answer_head head;
static struct secret_set set;
static struct secret_filter filter;
static char out[ANSWER_HEAD_OUT_MAX];
static size_t out_n;

/* Read byte by byte and at once, which must come to the same.  Returns the code, or
   FAIL_NONE with head filled, or FAIL_CODE_COUNT when more is needed. */
static enum fail_code read_head_of(const char *p, size_t n)
{
	struct answer_head bytewise = { 0 };
	struct failure f = { 0 }, late = { 0 };
	size_t i;
	int r = 0, whole;

	for (i = 0; i < n && r == 0; i++)
		r = answer_head_read(&bytewise, p, i + 1, &late);
	memset(&head, 0, sizeof(head));
	whole = answer_head_read(&head, p, n, &f);
	assert_int_equal(r, whole);
	assert_memory_equal(&head, &bytewise, sizeof(head));
	assert_string_equal(f.what, late.what);
	if (whole == 1)
		assert_int_equal(head.length, i);
	return whole == 1 ? FAIL_NONE : whole == 0 ? FAIL_CODE_COUNT : f.code;
}

static enum fail_code read_head(const char *text)
{
	return read_head_of(text, strlen(text));
}

static void expect_view(const char *p, struct answer_view v, const char *wanted)
{
	assert_int_equal(v.n, strlen(wanted));
	assert_memory_equal(p + v.at, wanted, v.n);
}

/* ---- reading ---- */

static void test_parts(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK then\r\n"
				   "Content-Type:text/event-stream\r\n"
				   "x-Empty: \t \r\n"
				   "X-Two: \ta  b\xff\t \r\n"
				   "x-two:c\r\n"
				   "content-length: 000012\r\n"
				   "\r\nbody";
	const struct answer_field *field;
	size_t count, i;

	(void)state;
	assert_int_equal(read_head(text), FAIL_NONE);
	assert_int_equal(head.length, sizeof(text) - 5);
	assert_int_equal(head.status, 200);
	expect_view(text, head.reason, "OK then");
	assert_int_equal(head.count, 5);
	expect_view(text, head.fields[0].name, "Content-Type");
	expect_view(text, head.fields[0].value, "text/event-stream");
	expect_view(text, head.fields[1].value, "");
	field = answer_head_find(&head, text, "X-TWO", &count);
	assert_ptr_equal(field, &head.fields[2]);
	assert_int_equal(count, 2);
	expect_view(text, field->value, "a  b\xff");
	assert_null(answer_head_find(&head, text, "x-tw", &count));
	assert_int_equal(count, 0);
	assert_int_equal(head.framing, ANSWER_LENGTH);
	assert_int_equal(head.body_length, 12);
	assert_false(head.last || head.redirect || head.coded);
	/* A complete head stays as it is. */
	assert_int_equal(answer_head_read(&head, text, sizeof(text), NULL), 1);
	for (i = 0; i < sizeof(text) - 5; i++)
		assert_int_equal(read_head_of(text, i), FAIL_CODE_COUNT);
}

static void test_framing(void **state)
{
	static const struct {
		const char *text;
		enum answer_framing framing;
		uint64_t length;
		bool last;
	} cases[] = {
		{ "HTTP/1.1 200\r\n\r\n", ANSWER_UNTIL_CLOSE, 0, true },
		{ "HTTP/1.1 200 \r\nContent-Length:0\r\n\r\n", ANSWER_LENGTH, 0, false },
		{ "HTTP/1.1 500 x\r\nContent-Length: 999999999999999999\r\n\r\n", ANSWER_LENGTH,
		  999999999999999999, false },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", ANSWER_CHUNKED, 0,
		  false },
		{ "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nConnection: a,Close ,b\r\n\r\n",
		  ANSWER_CHUNKED, 0, true },
		{ "HTTP/1.1 200 OK\r\nConnection: a\r\nConnection: close\r\nContent-Length: "
		  "1\r\n\r\n",
		  ANSWER_LENGTH, 1, true },
		{ "HTTP/1.1 200 OK\r\nConnection: closed, ,\r\nContent-Length: 1\r\n\r\n",
		  ANSWER_LENGTH, 1, false },
		{ "HTTP/1.1 204 No Content\r\n\r\n", ANSWER_NO_BODY, 0, false },
		{ "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", ANSWER_NO_BODY, 0,
		  false },
		{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", ANSWER_NO_BODY, 0,
		  false },
		{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\n"
		  "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
		  ANSWER_LENGTH, 3, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(read_head(cases[i].text), FAIL_NONE);
		assert_int_equal(head.framing, cases[i].framing);
		assert_int_equal(head.body_length, cases[i].length);
		assert_int_equal(head.last, cases[i].last);
	}
	assert_int_equal(head.status, 200);
	assert_int_equal(head.count, 1);
}

static void test_flags(void **state)
{
	static const struct {
		const char *text;
		bool redirect, coded;
	} cases[] = {
		{ "HTTP/1.1 302 Found\r\nLocation: https://x/\r\n\r\n", true, false },
		{ "HTTP/1.1 308 x\r\nlocation:\r\n\r\n", true, false },
		{ "HTTP/1.1 302 Found\r\n\r\n", false, false },
		{ "HTTP/1.1 304 x\r\nLocation: y\r\n\r\n", false, false },
		{ "HTTP/1.1 201 x\r\nLocation: y\r\n\r\n", false, false },
		{ "HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\n\r\n", false, true },
		{ "HTTP/1.1 200 x\r\ncontent-encoding: Identity\r\n\r\n", false, false },
		{ "HTTP/1.1 200 x\r\ncontent-encoding: identity, br\r\n\r\n", false, true },
		{ "HTTP/1.1 200 x\r\nContent-Encoding: identity\r\nContent-Encoding: br\r\n\r\n",
		  false, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(read_head(cases[i].text), FAIL_NONE);
		assert_int_equal(head.redirect, cases[i].redirect);
		assert_int_equal(head.coded, cases[i].coded);
	}
}

static void test_refused(void **state)
{
	static const char *const lines[] = {
		"\r\n",
		"\n",
		"HTTP/1.0 200 OK\r\n",
		"HTTP/2 200 OK\r\n",
		"http/1.1 200 OK\r\n",
		" HTTP/1.1 200 OK\r\n",
		"HTTP/1.1  200 OK\r\n",
		"HTTP/1.1 20 OK\r\n",
		"HTTP/1.1 2000 OK\r\n",
		"HTTP/1.1 2x0 OK\r\n",
		"HTTP/1.1 200\tOK\r\n",
		"HTTP/1.1 099 OK\r\n",
		"HTTP/1.1 600 OK\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n",
		"HTTP/1.1 200 OK\n",
		"HTTP/1.1 200 O\rK\r\n",
		"HTTP/1.1 200 O\x01K\r\n",
		"HTTP/1.1 100 x\r\n\r\nhello\r\n",
		"HTTP/1.1 100 x\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 204 x\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n",
	};
	static const char *const fields[] = {
		"a\r\n",
		":\r\n",
		": b\r\n",
		"a : b\r\n",
		"a b: c\r\n",
		" a: b\r\n",
		"a: b\r\n c\r\n",
		"a: b\r\n\tc\r\n",
		"a: b\n",
		"a: b\r\r\n",
		"a: b\rc: d\r\n",
		"a: \x7f\r\n",
		"a: \x1b[0m\r\n",
		"\xc3\xbc: a\r\n",
		"\n",
		"Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"Content-Length: 1\r\ncontent-length: 2\r\n\r\n",
		"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"Content-Length:\r\n\r\n",
		"Content-Length: +1\r\n\r\n",
		"Content-Length: -1\r\n\r\n",
		"Content-Length: 1, 1\r\n\r\n",
		"Content-Length: 0x1\r\n\r\n",
		"Content-Length: 1 1\r\n\r\n",
		"Content-Length: 1000000000000000000\r\n\r\n",
		"Transfer-Encoding: gzip, chunked\r\n\r\n",
		"Transfer-Encoding: chunked, chunked\r\n\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		"Transfer-Encoding: identity\r\n\r\n",
		"Transfer-Encoding:\r\n\r\n",
		"Transfer-Encoding: \"chunked\"\r\n\r\n",
	};
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lines); i++)
		assert_int_equal(read_head(lines[i]), FAIL_MALFORMED);
	for (i = 0; i < COUNT(fields); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s", fields[i]);
		assert_int_equal(read_head(text), FAIL_MALFORMED);
	}
	assert_int_equal(read_head_of("HTTP/1.1 200 OK\r\na: \0\r\n", 23), FAIL_MALFORMED);
	assert_int_equal(read_head_of("HTTP/1.1 200 OK\r\na\0: \r\n", 23), FAIL_MALFORMED);
}

static char big[ANSWER_HEAD_MAX + 1000];

/* A head of n bytes with one long field; returns n. */
static size_t make_big_head(size_t n)
{
	memset(big, 'x', sizeof(big));
	memcpy(big, "HTTP/1.1 200 OK\r\na:", 19);
	memcpy(big + n - 4, "\r\n\r\n", 4);
	return n;
}

static void test_bounds(void **state)
{
	size_t n, i;

	(void)state;
	make_big_head(ANSWER_HEAD_MAX);
	assert_int_equal(read_head_of(big, sizeof(big)), FAIL_NONE);
	assert_int_equal(head.length, ANSWER_HEAD_MAX);
	make_big_head(ANSWER_HEAD_MAX + 1);
	assert_int_equal(read_head_of(big, sizeof(big)), FAIL_TOO_LARGE);
	/* Informational heads without end. */
	for (n = 0; n + 20 <= sizeof(big); n += 20)
		memcpy(big + n, "HTTP/1.1 100 abc\r\n\r\n", 20);
	assert_int_equal(read_head_of(big, n), FAIL_TOO_LARGE);
	for (i = ANSWER_FIELDS_MAX; i <= ANSWER_FIELDS_MAX + 1; i++) {
		n = (size_t)sprintf(big, "HTTP/1.1 200 OK\r\n");
		while (n < 17 + 5 * i)
			n += (size_t)sprintf(big + n, "a:b\r\n");
		n += (size_t)sprintf(big + n, "\r\n");
		assert_int_equal(read_head_of(big, n),
				 i == ANSWER_FIELDS_MAX ? FAIL_NONE : FAIL_TOO_LARGE);
	}
}

/* ---- writing ---- */

static void begin_filter(const char *secret)
{
	struct secret_text one = { (const uint8_t *)secret, secret ? strlen(secret) : 0 };

	assert_int_equal(secret_set_init(&set, &one, secret ? 1 : 0, NULL), 0);
	secret_filter_init(&filter, &set);
}

/* In all smaller rooms it fails, and nothing behind the room is touched. */
static void expect_written_as(const char *text, bool close, const char *wanted)
{
	struct failure f;
	size_t size, n = strlen(wanted);

	assert_int_equal(read_head(text), FAIL_NONE);
	for (size = 0; size < n; size++) {
		memset(out, '#', n + 1);
		assert_int_equal(answer_head_write(&head, text, &filter, close, out, size, &out_n,
						   &f),
				 -1);
		assert_int_equal(f.code, FAIL_TOO_LARGE);
		assert_true(out_n <= size);
		assert_int_equal(out[size], '#');
	}
	assert_int_equal(answer_head_write(&head, text, &filter, close, out, n, &out_n, &f), 0);
	assert_int_equal(out_n, n);
	assert_memory_equal(out, wanted, n);
}

static void test_written(void **state)
{
	(void)state;
	begin_filter(NULL);
	expect_written_as(
		"HTTP/1.1 200 OK\r\nDate:  today \r\nset-COOKIE: a=b\r\nSet-Cookie2: c\r\n"
		"Content-Length: 5\r\nX-A: 1\r\nrequest-id: r\r\nX-A: 2\r\n\r\n",
		false,
		"HTTP/1.1 200 OK\r\nDate: today\r\nX-A: 1\r\nrequest-id: r\r\nX-A: 2\r\n"
		"Content-Length: 5\r\n\r\n");
	expect_written_as("HTTP/1.1 529 \r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n"
			  "retry-after: 3\r\n\r\n",
			  false,
			  "HTTP/1.1 529 \r\nretry-after: 3\r\nTransfer-Encoding: chunked\r\n\r\n");
	/* What Connection names belongs to the provider's connection. */
	expect_written_as("HTTP/1.1 200\r\nX-Hop: 1\r\nConnection: close, x-HOP\r\nX-Hopp: 2\r\n"
			  "Keep-Alive: 5\r\nUpgrade: h2c\r\nTE: a\r\nProxy-Connection: b\r\n"
			  "Proxy-Authenticate: c\r\nProxy-Authorization: d\r\n"
			  "Proxy-Authentication-Info: e\r\n\r\n",
			  true,
			  "HTTP/1.1 200 \r\nX-Hopp: 2\r\nTransfer-Encoding: chunked\r\n"
			  "Connection: close\r\n\r\n");
	expect_written_as("HTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 204 No Content\r\n"
			  "Content-Length: 0\r\n\r\n",
			  false, "HTTP/1.1 204 No Content\r\n\r\n");
	expect_written_as("HTTP/1.1 307 x\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", false,
			  "HTTP/1.1 307 x\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n");
}

static void test_secrets_overwritten(void **state)
{
	(void)state;
	begin_filter("sk-12345");
	expect_written_as("HTTP/1.1 401 bad sk-12345!\r\nX-Key: Bearer sk-12345\r\n"
			  "x-sk-12345-y: sk-1234\r\nA: sk-1\r\nB: 2345\r\n"
			  "Location: https://x/?k=sk-12345sk-12345\r\nContent-Length: 0\r\n\r\n",
			  false,
			  "HTTP/1.1 401 bad ********!\r\nX-Key: Bearer ********\r\n"
			  "x-********-y: sk-1234\r\nA: sk-1\r\nB: 2345\r\n"
			  "Location: https://x/?k=****************\r\nContent-Length: 0\r\n\r\n");
	/* The lines stay lines: framing is never taken for a secret, nor a colon written over. */
	begin_filter("Content-Length");
	expect_written_as("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false,
			  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
	begin_filter("x-secret:");
	expect_written_as("HTTP/1.1 200 OK\r\nx-secret:a\r\nx-secre:b\r\nContent-Length: 5\r\n\r\n",
			  false, "HTTP/1.1 200 OK\r\nx-secre: b\r\nContent-Length: 5\r\n\r\n");
}

static void test_largest_is_written(void **state)
{
	size_t n;

	(void)state;
	begin_filter("xxxxxxxx");
	make_big_head(ANSWER_HEAD_MAX);
	assert_int_equal(read_head_of(big, ANSWER_HEAD_MAX), FAIL_NONE);
	assert_int_equal(answer_head_write(&head, big, &filter, true, out, sizeof(out), &out_n,
					   NULL),
			 0);
	assert_null(memchr(out, 'x', out_n));
	/* The most that writing adds: a blank for each field. */
	n = (size_t)sprintf(big, "HTTP/1.1 200\r\n");
	while (n < 14 + 4 * ANSWER_FIELDS_MAX)
		n += (size_t)sprintf(big + n, "a:\r\n");
	n += (size_t)sprintf(big + n, "\r\n");
	assert_int_equal(read_head_of(big, n), FAIL_NONE);
	assert_int_equal(answer_head_write(&head, big, &filter, true, out, sizeof(out), &out_n,
					   NULL),
			 0);
	assert_true(out_n <= n + ANSWER_HEAD_OUT_MAX - ANSWER_HEAD_MAX);
}

/* Letters of ASCII alone have two cases, and '_' is not '-'. */
static void test_words(void **state)
{
	(void)state;
	assert_true(http_word_is(http_view_of("Content-LENGTH"), "content-length"));
	assert_false(http_word_is(http_view_of("content_length"), "content-length"));
	assert_false(http_word_is(http_view_of("content-length "), "content-length"));
	assert_false(http_word_is(http_view_of("@"), "`"));
	assert_false(http_word_is(http_view_of("["), "{"));
	assert_false(http_word_is(http_view_of("\xc4"), "\xe4"));
	assert_true(http_words_equal(http_view_of("aZ\xc4"), http_view_of("Az\xc4")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_secrets_overwritten),
		cmocka_unit_test(test_largest_is_written),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
