/*
 * tests/relay/test_http_chunks.c - bodies in chunks, and such with one fault each;
 * each whole, byte by byte, and cut in two at every byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "relay/http_chunks.h"

#define TEXT(text) text, sizeof(text) - 1
#define BODY_MAX 256

struct decoded {
	enum http_chunks_outcome outcome;
	const char *reason;
	char body[BODY_MAX];
	size_t n, used;
};

static void feed(struct http_chunks *c, struct decoded *d, const char *in, size_t n)
{
	char *copy = malloc(n ? n : 1); /* of exactly this size, for ASan */
	struct http_view data;
	size_t used, at = 0;

	assert_non_null(copy);
	memcpy(copy, in, n);
	do {
		d->outcome = http_chunks_read(c, copy + at, n - at, &used, &data);
		assert_true(used <= n - at && data.n <= used);
		assert_true(data.p >= copy + at && data.p + data.n <= copy + at + used);
		assert_true(d->n + data.n <= sizeof(d->body));
		memcpy(d->body + d->n, data.p, data.n);
		d->n += data.n;
		d->used += used;
		at += used;
	} while (d->outcome == HTTP_CHUNKS_MORE && at < n);
	d->reason = c->reason;
	free(copy);
}

static void assert_same(const struct decoded *a, const struct decoded *b)
{
	assert_int_equal(a->outcome, b->outcome);
	assert_ptr_equal(a->reason, b->reason);
	assert_int_equal(a->used, b->used);
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->body, b->body, a->n);
}

static struct decoded decode(const char *in, size_t n)
{
	struct decoded whole = { 0 }, other;
	struct http_chunks c;
	size_t cut, i;

	http_chunks_init(&c);
	feed(&c, &whole, in, n);
	for (cut = 0; cut <= n; cut++) {
		http_chunks_init(&c);
		memset(&other, 0, sizeof(other));
		feed(&c, &other, in, cut);
		feed(&c, &other, in + cut, n - cut);
		assert_same(&whole, &other);
	}
	http_chunks_init(&c);
	memset(&other, 0, sizeof(other));
	for (i = 0; i < n; i++)
		feed(&c, &other, in + i, 1);
	assert_same(&whole, &other);
	return whole;
}

static void expect_body(const char *in, size_t n, const char *body, size_t rest)
{
	struct decoded d = decode(in, n);

	assert_int_equal(d.outcome, HTTP_CHUNKS_DONE);
	assert_int_equal(d.n, strlen(body));
	assert_memory_equal(d.body, body, d.n);
	assert_int_equal(n - d.used, rest);
}

static void test_good(void **state)
{
	size_t n;

	(void)state;
	expect_body(TEXT("0\r\n\r\n"), "", 0);
	expect_body(TEXT("5\r\nhello\r\n0\r\n\r\n"), "hello", 0);
	expect_body(TEXT("2\r\n\r\n\r\n1\r\n0\r\n0\r\n\r\n"), "\r\n0", 0);
	expect_body(TEXT("a\r\n0123456789\r\nB\r\n0123456789x\r\n000\r\n\r\n"),
		    "01234567890123456789x", 0);
	expect_body(TEXT("00000001\r\nx\r\n00000000\r\n\r\n"), "x", 0);
	expect_body(TEXT("1\r\nx\r\n0\r\n\r\nGET /"), "x", 5);
	for (n = 0; n < sizeof("5\r\nhello\r\n0\r\n\r\n") - 1; n++)
		assert_int_equal(decode("5\r\nhello\r\n0\r\n\r\n", n).outcome, HTTP_CHUNKS_MORE);
}

static const struct {
	const char *in;
	size_t n;
	const char *reason;
} bad[] = {
	{ TEXT("\r\n"), "a chunk's size that is no number" },
	{ TEXT(" 1\r\nx\r\n"), "a chunk's size that is no number" },
	{ TEXT("1 \r\nx\r\n"), "a chunk's size that is no number" },
	{ TEXT("+1\r\nx\r\n"), "a chunk's size that is no number" },
	{ TEXT("-1\r\nx\r\n"), "a chunk's size that is no number" },
	{ TEXT("0x1\r\nx\r\n"), "a chunk's size that is no number" },
	{ TEXT("g\r\nx\r\n"), "a chunk's size that is no number" },
	{ TEXT("1\0\r\nx\r\n"), "a chunk's size that is no number" },
	{ TEXT("1\nx\r\n"), "a chunk's size that is no number" },
	{ TEXT("1\rx\r\n"), "a chunk's size without an end of its line" },
	{ TEXT("1\r\r\nx\r\n"), "a chunk's size without an end of its line" },
	{ TEXT("1;a=b\r\nx\r\n"), "a chunk's extension" },
	{ TEXT("0;a\r\n\r\n"), "a chunk's extension" },
	{ TEXT("80000000\r\nx\r\n"), "a chunk beyond its bound" },
	{ TEXT("ffffffff\r\nx\r\n"), "a chunk beyond its bound" },
	{ TEXT("000000001\r\nx\r\n"), "a chunk's size with too many digits" },
	{ TEXT("10000000000000001\r\nx\r\n"), "a chunk's size with too many digits" },
	{ TEXT("1\r\nxy\r\n"), "a chunk that is longer than its size" },
	{ TEXT("1\r\nx\n"), "a chunk that is longer than its size" },
	{ TEXT("1\r\nx\r1"), "a chunk without an end of its line" },
	{ TEXT("0\r\nX: y\r\n\r\n"), "a trailer" },
	{ TEXT("0\r\n\n"), "a trailer" },
	{ TEXT("0\r\n\r1"), "a last chunk without an end of its line" },
};

static void test_bad(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct decoded d = decode(bad[i].in, bad[i].n);

		assert_int_equal(d.outcome, HTTP_CHUNKS_REFUSED);
		assert_string_equal(d.reason, bad[i].reason);
	}
}

/* The greatest chunk, whose bytes need not be there, and heads that are written. */
static void test_heads(void **state)
{
	static const size_t sizes[] = { 1, 15, 16, 255, 256, 65536, HTTP_CHUNK_MAX };
	char head[HTTP_CHUNK_HEAD_MAX];
	struct http_chunks c;
	struct http_view data;
	size_t i, n, used;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		n = http_chunk_put_head(head, sizes[i]);
		assert_int_equal((size_t)strtoul(head, NULL, 16), sizes[i]);
		http_chunks_init(&c);
		assert_int_equal(http_chunks_read(&c, head, n, &used, &data), HTTP_CHUNKS_MORE);
		assert_int_equal(used, n);
		assert_int_equal(c.left, sizes[i]);
	}
	assert_memory_equal(head, "7fffffff\r\n", n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
