/*
 * tests/fuzz/fuzz_http_answer.c - a provider's answer: the head, the one that is written
 * for claude, and the body in chunks; and the text of an error of the relay's own.
 *
 * Byte by byte comes to the same as at once.  A written head is within its bound, has no
 * secret, is read as the same answer, and would be written the same once more.  An error
 * is always a whole answer with valid JSON.
 */
#include <stdbool.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "relay/api_error.h"
#include "relay/chunk_reader.h"
#include "relay/chunk_writer.h"
#include "relay/http_answer.h"
#include "relay/secret_filter.h"
#include "tests/fuzz/fuzz.h"

#define SECRET "sk-12345"
#define INPUT_MAX 16384

static struct secret_set set;
static struct secret_filter filter;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct secret_text secrets[] = { { (const uint8_t *)SECRET, 8 },
						      { (const uint8_t *)"5sk-1: x", 8 } };

	(void)argc;
	(void)argv;
	MUST(secret_set_init(&set, secrets, 2, NULL) == 0);
	secret_filter_init(&filter, &set);
	return atexit(fuzz_at_exit);
}

/* ---- heads ---- */

static int read_head(struct answer_head *h, const char *p, size_t n)
{
	struct answer_head bytewise;
	struct failure f = { 0 }, late = { 0 };
	int r = 0, whole;
	size_t i;

	memset(h, 0, sizeof(*h));
	memset(&bytewise, 0, sizeof(bytewise));
	for (i = 0; i < n && r == 0; i++)
		r = answer_head_read(&bytewise, p, i + 1, &late);
	whole = answer_head_read(h, p, n, &f);
	MUST(r == whole && memcmp(h, &bytewise, sizeof(*h)) == 0);
	MUST(strcmp(f.what, late.what) == 0);
	return whole;
}

static void check_views(const struct answer_head *h)
{
	size_t i;

	MUST(h->count <= ANSWER_FIELDS_MAX);
	MUST(h->reason.at + h->reason.n < h->length);
	for (i = 0; i < h->count; i++) {
		MUST(h->fields[i].name.n > 0);
		MUST(h->fields[i].name.at + h->fields[i].name.n < h->fields[i].value.at ||
		     h->fields[i].value.n == 0);
		MUST(h->fields[i].value.at + h->fields[i].value.n < h->length);
	}
}

static size_t write_head(const struct answer_head *h, const char *p, char *out)
{
	size_t n, less;

	MUST(answer_head_write(h, p, &filter, false, out, ANSWER_HEAD_OUT_MAX, &n, NULL) == 0);
	MUST(n <= h->length + ANSWER_HEAD_OUT_MAX - ANSWER_HEAD_MAX);
	/* A smaller room is too small, and is not overrun. */
	out[n] = '#';
	less = (h->length * 31) % n;
	MUST(answer_head_write(h, p, &filter, false, out + n - less, less, &less, NULL) == -1);
	MUST(out[n] == '#');
	MUST(answer_head_write(h, p, &filter, false, out, ANSWER_HEAD_OUT_MAX, &less, NULL) == 0);
	MUST(less == n);
	return n;
}

static void check_written(const struct answer_head *h, const char *p)
{
	static char out[ANSWER_HEAD_OUT_MAX + 1], again[ANSWER_HEAD_OUT_MAX + 1];
	struct answer_head back;
	size_t n = write_head(h, p, out);

	MUST(!memmem(out, n, SECRET, strlen(SECRET)));
	/* The framing may be a field too many to be read. */
	if (h->count == ANSWER_FIELDS_MAX)
		return;
	MUST(read_head(&back, out, n) == 1 && back.length == n);
	check_views(&back);
	MUST(back.status == h->status && back.body_length == h->body_length);
	MUST(back.framing == (h->framing == ANSWER_UNTIL_CLOSE ? ANSWER_CHUNKED : h->framing));
	MUST(!back.last && !answer_head_find(&back, out, "set-cookie", NULL));
	MUST(write_head(&back, out, again) == n && memcmp(out, again, n) == 0);
}

/* ---- bodies ---- */

struct body {
	uint8_t bytes[INPUT_MAX];
	size_t n, used;
	bool refused, done;
};

static void read_body(const uint8_t *p, size_t n, size_t piece, struct body *b)
{
	struct chunk_reader reader = { 0 };
	size_t size, used, run_n;
	const uint8_t *run;

	b->n = b->used = 0;
	b->refused = false;
	while (b->used < n && !b->refused && !chunk_reader_done(&reader)) {
		size = n - b->used < piece ? n - b->used : piece;
		b->refused = chunk_reader_read(&reader, p + b->used, size, &used, &run, &run_n,
					       NULL) != 0;
		MUST(used > 0 && used <= size && (b->refused || run_n <= used));
		b->used += used;
		if (b->refused)
			break;
		MUST(run_n == 0 || run + run_n == p + b->used);
		memcpy(b->bytes + b->n, run, run_n);
		b->n += run_n;
	}
	b->done = chunk_reader_done(&reader);
}

static void check_body(const uint8_t *p, size_t n)
{
	static struct body whole, bytewise;
	static uint8_t again[INPUT_MAX + 64];
	size_t len, body_n;

	read_body(p, n, n, &whole);
	read_body(p, n, 1, &bytewise);
	MUST(whole.n == bytewise.n && whole.used == bytewise.used);
	MUST(whole.refused == bytewise.refused && whole.done == bytewise.done);
	MUST(memcmp(whole.bytes, bytewise.bytes, whole.n) == 0);
	body_n = whole.n;
	if (!whole.done || body_n == 0)
		return;
	len = chunk_head(body_n, (char *)again);
	memcpy(again + len, whole.bytes, body_n);
	memcpy(again + len + body_n, CHUNK_TAIL CHUNK_LAST, 7);
	read_body(again, len + body_n + 7, 7, &bytewise);
	MUST(bytewise.done && bytewise.n == body_n);
	MUST(memcmp(whole.bytes, bytewise.bytes, body_n) == 0);
}

/* ---- errors ---- */

static void check_error(const uint8_t *p, size_t n)
{
	char text[INPUT_MAX + 1], out[API_ERROR_MAX];
	struct api_error e = { .text = text };
	struct answer_head h;
	json_t *body;
	size_t out_n;

	memcpy(text, p, n);
	text[n] = '\0';
	e.status = (unsigned)n;
	e.type = (enum api_error_type)(n % (API_REQUEST_TOO_LARGE + 1));
	e.retry_after = (uint32_t)n * 65537;
	e.close = n & 1;
	out_n = api_error_write(&e, out);
	MUST(out_n <= API_ERROR_MAX);
	MUST(read_head(&h, out, out_n) == 1 && h.length + h.body_length == out_n);
	body = json_loadb(out + h.length, out_n - h.length, 0, NULL);
	MUST(body);
	json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct answer_head h;

	fuzz_inputs++;
	if (n == 0 || n > INPUT_MAX)
		return 0;
	check_error(p, n);
	check_body(p, n);
	if (read_head(&h, (const char *)p, n) != 1)
		return 0;
	fuzz_understood++;
	check_views(&h);
	check_written(&h, (const char *)p);
	if (h.length < n)
		check_body(p + h.length, n - h.length);
	return 0;
}
