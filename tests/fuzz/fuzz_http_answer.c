/*
 * tests/fuzz/fuzz_http_answer.c - the head of a provider's answer and the one that is
 * written for claude; and the text of an error of the relay's own.  (Bodies in chunks:
 * fuzz_request.c.)
 *
 * In pieces it comes to the same as at once.  A written head is within its bound, has no
 * secret, is read as the same answer, and would be written the same once more.  An error
 * is always a whole answer with valid JSON.
 */
#include <stdbool.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "relay/api_error.h"
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
						      { (const uint8_t *)"x-5sk-1:", 8 } };

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
	/* Each reading begins anew: of a long head in pieces. */
	size_t i, step = n < 256 ? 1 : 1 + n / 64;

	memset(h, 0, sizeof(*h));
	memset(&bytewise, 0, sizeof(bytewise));
	for (i = 0; i < n && r == 0;) {
		i = i + step < n ? i + step : n;
		r = answer_head_read(&bytewise, p, i, &late);
	}
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
	if (read_head(&h, (const char *)p, n) != 1)
		return 0;
	fuzz_understood++;
	check_views(&h);
	check_written(&h, (const char *)p);
	return 0;
}
