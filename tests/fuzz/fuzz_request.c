/*
 * tests/fuzz/fuzz_request.c - what the client sends to the relay: a head, and behind it
 * a body in chunks.
 *
 * What is checked besides memory: byte by byte and cut in two the outcome is the same;
 * what is accepted, written for the provider and read again, is the same request without
 * the fields that do not pass, and is then written the same; a body that was decoded,
 * put into chunks and decoded again is the same.
 *
 * Targets: relay/http_request.c relay/http_t*.c relay/http_chunks.c relay/request_fields.c
 *	relay/request_head.c
 */
#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "relay/http_chunks.h"
#include "relay/http_request.h"
#include "relay/request_fields.h"
#include "relay/request_head.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 8192
#define CHUNKS_MAX (INPUT_MAX * 8) /* every byte in a chunk of its own */

static const struct request_secret secrets[] = { { "x-api-key", NULL }, { "x-a", "Bearer" } };
static const struct request_added added[] = { { "x-b", "v" }, { "x-c", "w" } };
static const struct request_provider provider = { "b", "", { secrets, 2, added, 2 }, NULL };

static bool same_view(struct http_view a, struct http_view b)
{
	return a.n == b.n && !a.p == !b.p && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool same_outcome(const struct http_request_reader *a, const struct http_request_reader *b)
{
	size_t i;

	if (a->outcome != b->outcome || a->seen != b->seen)
		return false;
	if (a->outcome == HTTP_REFUSED)
		return a->refusal.status == b->refusal.status &&
		       a->refusal.reason == b->refusal.reason;
	if (a->request.method != b->request.method || a->request.keep != b->request.keep ||
	    a->request.framing != b->request.framing || a->request.length != b->request.length ||
	    a->request.field_count != b->request.field_count ||
	    a->request.head_size != b->request.head_size ||
	    !same_view(a->request.path, b->request.path) ||
	    !same_view(a->request.query, b->request.query))
		return false;
	for (i = 0; i < a->request.field_count; i++)
		if (!same_view(a->request.fields[i].name, b->request.fields[i].name) ||
		    !same_view(a->request.fields[i].value, b->request.fields[i].value))
			return false;
	return true;
}

/* The first n bytes, then all of them; the rest is garbage as long as it has not come. */
static void read_in_parts(const struct http_request_reader *whole, const uint8_t *p, size_t n,
			  size_t cut)
{
	static struct http_request_reader r;
	static char buf[INPUT_MAX];

	memset(buf, '\n', n);
	memcpy(buf, p, cut);
	http_request_init(&r);
	http_request_read(&r, buf, cut);
	memcpy(buf, p, n);
	http_request_read(&r, buf, n);
	MUST(same_outcome(whole, &r));
}

static void read_by_bytes(const struct http_request_reader *whole, const uint8_t *p, size_t n)
{
	static struct http_request_reader r;
	static char buf[INPUT_MAX];
	size_t i;

	memset(buf, '\n', n);
	http_request_init(&r);
	for (i = 0; i < n; i++) {
		buf[i] = (char)p[i];
		http_request_read(&r, buf, i + 1);
	}
	MUST(same_outcome(whole, &r));
}

static size_t write_head(const struct http_request *r, char *out, size_t size)
{
	struct failure f = { 0 };
	size_t n;

	MUST(request_head_write(r, &provider, out, size, &n, &f) == 0);
	memcpy(out + n, REQUEST_HEAD_END, strlen(REQUEST_HEAD_END));
	return n + strlen(REQUEST_HEAD_END);
}

/* The fields of a that pass are those of b that pass, in their order. */
static void check_fields(const struct http_request *a, const struct http_request *b)
{
	size_t i, j = 0;

	for (i = 0; i < a->field_count; i++) {
		if (!request_field_passes(a, a->fields[i].name, &provider.fields))
			continue;
		while (j < b->field_count &&
		       !request_field_passes(b, b->fields[j].name, &provider.fields))
			j++;
		MUST(j < b->field_count);
		MUST(same_view(a->fields[i].name, b->fields[j].name));
		MUST(same_view(a->fields[i].value, b->fields[j].value));
		j++;
	}
	for (; j < b->field_count; j++)
		MUST(!request_field_passes(b, b->fields[j].name, &provider.fields));
}

static void write_and_read(const struct http_request *r)
{
	static struct http_request_reader again;
	static char out[2 * INPUT_MAX], twice[2 * INPUT_MAX];
	size_t n = write_head(r, out, sizeof(out) - strlen(REQUEST_HEAD_END));

	http_request_init(&again);
	/* It may have two fields more than the client's: Accept and Accept-Encoding. */
	if (http_request_read(&again, out, n) != HTTP_DONE) {
		MUST(again.outcome == HTTP_REFUSED && again.refusal.status == 431 &&
		     r->field_count + 2 > HTTP_FIELDS_MAX);
		return;
	}
	MUST(again.request.head_size == n);
	MUST(again.request.method == r->method && again.request.framing == r->framing &&
	     again.request.length == r->length && again.request.keep);
	MUST(same_view(again.request.path, r->path) && same_view(again.request.query, r->query));
	check_fields(r, &again.request);
	MUST(write_head(&again.request, twice, sizeof(twice) - strlen(REQUEST_HEAD_END)) == n);
	MUST(memcmp(out, twice, n) == 0);
}

/* A body, decoded from calls of at most `step` bytes, and put into chunks again. */
struct body {
	enum http_chunks_outcome outcome;
	const char *reason;
	size_t used, n, coded_n;
	char bytes[INPUT_MAX], coded[CHUNKS_MAX];
};

static void body_put_chunk(struct body *b, struct http_view data)
{
	char head[HTTP_CHUNK_HEAD_MAX];
	size_t n;

	if (data.n == 0)
		return;
	MUST(data.n <= sizeof(b->bytes) - b->n);
	memcpy(b->bytes + b->n, data.p, data.n);
	b->n += data.n;
	n = http_chunk_put_head(head, data.n);
	memcpy(b->coded + b->coded_n, head, n);
	memcpy(b->coded + b->coded_n + n, data.p, data.n);
	b->coded_n += n + data.n;
	memcpy(b->coded + b->coded_n, HTTP_CHUNK_END, strlen(HTTP_CHUNK_END));
	b->coded_n += strlen(HTTP_CHUNK_END);
}

static void body_read(struct body *b, const char *p, size_t n, size_t step)
{
	struct http_chunks c;
	struct http_view data;
	size_t used;

	memset(b, 0, sizeof(*b));
	http_chunks_init(&c);
	do {
		size_t now = n - b->used < step ? n - b->used : step;

		b->outcome = http_chunks_read(&c, p + b->used, now, &used, &data);
		MUST(used <= now && data.n <= used);
		MUST(data.p >= p + b->used && data.p + data.n <= p + b->used + used);
		body_put_chunk(b, data);
		b->used += used;
	} while (b->outcome == HTTP_CHUNKS_MORE && b->used < n);
	b->reason = c.reason;
	memcpy(b->coded + b->coded_n, HTTP_CHUNKS_END, strlen(HTTP_CHUNKS_END));
	b->coded_n += strlen(HTTP_CHUNKS_END);
}

static bool same_body(const struct body *a, const struct body *b)
{
	return a->outcome == b->outcome && a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

static void read_chunks(const char *p, size_t n)
{
	static struct body whole, parts, again;

	body_read(&whole, p, n, n);
	body_read(&parts, p, n, 1);
	MUST(same_body(&whole, &parts) && whole.used == parts.used && whole.reason == parts.reason);
	MUST((whole.outcome == HTTP_CHUNKS_REFUSED) == (whole.reason != NULL));
	if (whole.outcome != HTTP_CHUNKS_DONE)
		return;
	body_read(&again, whole.coded, whole.coded_n, whole.coded_n);
	MUST(same_body(&whole, &again) && again.used == whole.coded_n);
	body_read(&again, parts.coded, parts.coded_n, parts.coded_n);
	MUST(same_body(&whole, &again) && again.used == parts.coded_n);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(fuzz_at_exit);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct http_request_reader r;
	const char *text = (const char *)p;

	if (n > INPUT_MAX)
		return 0;
	fuzz_inputs++;
	http_request_init(&r);
	http_request_read(&r, text, n);
	read_by_bytes(&r, p, n);
	if (n > 0)
		read_in_parts(&r, p, n, (p[n / 2] + 256u * p[n - 1]) % n);
	if (r.outcome != HTTP_DONE)
		return 0;
	fuzz_understood++;
	write_and_read(&r.request);
	if (r.request.framing == HTTP_BODY_CHUNKED)
		read_chunks(text + r.request.head_size, n - r.request.head_size);
	return 0;
}
