/*
 * tests/relay/test_chunk_reader.c - bodies in chunks, read strictly in any pieces, and
 * the framing that is written.
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
#include "relay/chunk_reader.h"
#include "relay/chunk_writer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The body that was read, and how far. */
struct reading {
	char body[1024];
	size_t n, used;
	enum fail_code code;
	bool done;
};

static void read_in_pieces(const char *in, size_t n, size_t piece, struct reading *r)
{
	struct chunk_reader reader = { 0 };
	struct failure f = { 0 };
	const uint8_t *run;
	size_t used, run_n, size;

	memset(r, 0, sizeof(*r));
	while (r->used < n && !chunk_reader_done(&reader)) {
		size = n - r->used < piece ? n - r->used : piece;
		if (chunk_reader_read(&reader, (const uint8_t *)in + r->used, size, &used, &run,
				      &run_n, &f) != 0) {
			r->used += used;
			r->code = f.code;
			return;
		}
		assert_true(used > 0 && used <= size && run_n <= used);
		r->used += used;
		if (run_n) /* the run ends what was read */
			assert_ptr_equal(run + run_n, in + r->used);
		memcpy(r->body + r->n, run, run_n);
		r->n += run_n;
	}
	r->done = chunk_reader_done(&reader);
}

/* In pieces of every size the same. */
static void read_all(const char *in, size_t n, struct reading *r)
{
	struct reading again;
	size_t piece;

	read_in_pieces(in, n, n, r);
	for (piece = 1; piece < n; piece++) {
		read_in_pieces(in, n, piece, &again);
		assert_memory_equal(&again, r, sizeof(again));
	}
}

static void test_accepted(void **state)
{
	static const struct {
		const char *in, *body;
	} cases[] = {
		{ "0\r\n\r\n", "" },
		{ "5\r\nhello\r\n0\r\n\r\n", "hello" },
		{ "1\r\n\n\r\n2\r\n\r\n\r\n00\r\n\r\n", "\n\r\n" },
		{ "A\r\n0123456789\r\n00b\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a" },
		{ "1;a=\"b c\";d\r\nx\r\n0;\r\n\r\n", "x" },
		{ "1\r\nx\r\n0\r\nChecksum: a b\r\nEmpty:\r\n\r\n", "x" },
	};
	struct reading r;
	char in[128];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		/* What follows the body is not touched. */
		snprintf(in, sizeof(in), "%sHTTP/1.1", cases[i].in);
		read_all(in, strlen(in), &r);
		assert_int_equal(r.code, FAIL_NONE);
		assert_true(r.done);
		assert_int_equal(r.used, strlen(cases[i].in));
		assert_string_equal(r.body, cases[i].body);
		/* Any shorter, it is not complete. */
		read_all(in, strlen(cases[i].in) - 1, &r);
		assert_int_equal(r.code, FAIL_NONE);
		assert_false(r.done);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"\r\n",
		"\n",
		";a\r\n",
		"g\r\n",
		"-1\r\n",
		"+1\r\n",
		"0x1\r\n",
		" 1\r\n",
		"1 \r\n",
		"1\n",
		"1\rx",
		"1\r\r\n",
		"1;a\n",
		"1;\x01\r\n",
		"1;\x7f\r\n",
		"1\r\nxx",
		"1\r\nx\n",
		"1\r\nx\rx",
		"1\r\nx0\r\n",
		"0\r\nx\r\n",
		"0\r\n:x\r\n",
		"0\r\n a: b\r\n",
		"0\r\na : b\r\n",
		"0\r\na: b\n",
		"0\r\na: b\r\n c\r\n",
		"0\r\na: \x01\r\n",
		"0\r\n\n",
		"0\r\n\rx",
	};
	struct reading r;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		read_all(cases[i], strlen(cases[i]), &r);
		assert_int_equal(r.code, FAIL_MALFORMED);
	}
	read_all("1\0\r\n", 4, &r);
	assert_int_equal(r.code, FAIL_MALFORMED);
}

static void test_bounds(void **state)
{
	static char in[CHUNK_TRAILER_MAX + 64];
	struct reading r;

	(void)state;
	read_all("fffffffffffffff\r\n", 17, &r);
	assert_int_equal(r.code, FAIL_NONE);
	read_all("0000000000000000\r\n", 18, &r);
	assert_int_equal(r.code, FAIL_TOO_LARGE);
	/* A line, then a trailer, that is as long as allowed, and a byte longer. */
	memset(in, 'x', sizeof(in));
	memcpy(in, "1;", 2);
	memcpy(in + CHUNK_LINE_MAX - 2, "\r\n", 2);
	read_in_pieces(in, CHUNK_LINE_MAX + 1, 1000, &r);
	assert_int_equal(r.code, FAIL_NONE);
	assert_string_equal(r.body, "x");
	memcpy(in + CHUNK_LINE_MAX - 2, "xx", 2);
	read_all(in, CHUNK_LINE_MAX + 1, &r);
	assert_int_equal(r.code, FAIL_TOO_LARGE);
	memset(in, 'x', sizeof(in));
	memcpy(in, "0\r\na:", 5);
	memcpy(in + 3 + CHUNK_TRAILER_MAX - 4, "\r\n\r\n", 4);
	read_in_pieces(in, sizeof(in), 100, &r);
	assert_true(r.done);
	memcpy(in + 3 + CHUNK_TRAILER_MAX - 4, "x\r\n\r\n", 5);
	read_in_pieces(in, sizeof(in), 100, &r);
	assert_int_equal(r.code, FAIL_TOO_LARGE);
}

static void test_written_is_read(void **state)
{
	static const size_t sizes[] = { 1, 9, 10, 15, 16, 17, 255, 256, 300 };
	char in[2048], head[CHUNK_HEAD_MAX];
	size_t i, n = 0, len, total = 0;
	struct reading r;

	(void)state;
	assert_int_equal(chunk_head(0, head), 0);
	assert_int_equal(chunk_head(SIZE_MAX, head), CHUNK_HEAD_MAX);
	assert_memory_equal(head, "ffffffffffffffff\r\n", CHUNK_HEAD_MAX);
	for (i = 0; i < COUNT(sizes); i++) {
		len = chunk_head(sizes[i], head);
		memcpy(in + n, head, len);
		memset(in + n + len, 'x', sizes[i]);
		n += len + sizes[i];
		memcpy(in + n, CHUNK_TAIL, sizeof(CHUNK_TAIL) - 1);
		n += sizeof(CHUNK_TAIL) - 1;
		total += sizes[i];
	}
	memcpy(in + n, CHUNK_LAST, sizeof(CHUNK_LAST) - 1);
	n += sizeof(CHUNK_LAST) - 1;
	read_all(in, n, &r);
	assert_true(r.done);
	assert_int_equal(r.n, total);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
