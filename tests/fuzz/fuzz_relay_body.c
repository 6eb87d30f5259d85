/*
 * tests/fuzz/fuzz_relay_body.c - what passes a relay behind the heads: a provider's whole answer on
 * its way to the client (a), and what a request's body says of its cost
 * and its model (m).
 *
 * The second byte says how it comes: pieces, what there is room for, how the connection ends, whether
 * the answer is billed and the client's connection ends behind it.  What is checked besides memory: in
 * any pieces it comes to the same as at once; what the client gets is one answer, whose body is the
 * provider's with the secret overwritten, and has as many bytes; the meter reads the same; no locked
 * memory is left.
 *
 * Targets: relay/answer_flow.c relay/request_meter.c relay/request_model.c
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "relay/answer_flow.h"
#include "relay/http_answer.h"
#include "relay/http_chunks.h"
#include "relay/request_meter.h"
#include "relay/request_model.h"
#include "relay/secret_filter.h"
#include "relay/upstream.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_arena.h"
#include "vault/crypto.h"

#define SECRET "sk-12345"
#define INPUT_MAX 16384
#define CLIENT_MAX (16 * INPUT_MAX + ANSWER_OUT_SIZE) /* a chunk around each byte */

enum { CLOSE = 1, BILLED = 2, RESET = 4, AT_ONCE = 8 };

ssize_t __wrap_upstream_recv(struct upstream *u, void *p, size_t n);

static struct secret_set set;

/* What the provider still has to send. */
static struct {
	const char *p;
	size_t n;
	unsigned how;
	uint32_t seed; /* 0: in one piece */
} provider;

static uint32_t provider_random(void)
{
	provider.seed = provider.seed * 1664525 + 1013904223;
	return provider.seed >> 16;
}

ssize_t __wrap_upstream_recv(struct upstream *u, void *p, size_t n)
{
	size_t piece = provider.how & AT_ONCE ? n : 1 + provider_random() % 80;

	(void)u;
	if (!(provider.how & AT_ONCE) && provider_random() % 4 == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (provider.n == 0 && provider.how & RESET) {
		errno = ECONNRESET;
		return -1;
	}
	n = piece < n ? piece : n;
	n = n < provider.n ? n : provider.n;
	memcpy(p, provider.p, n);
	provider.p += n;
	provider.n -= n;
	return (ssize_t)n;
}

/* What came of an answer. */
struct passed {
	char bytes[CLIENT_MAX];
	size_t n;
	bool ended;
	struct failure f;
	struct meter_result meter;
};

static void client_take(struct passed *to, struct buffer *out)
{
	size_t n = buffer_waiting(out);

	if (!(provider.how & AT_ONCE) && n > 1)
		n = 1 + provider_random() % n;
	MUST(n <= sizeof(to->bytes) - to->n);
	memcpy(to->bytes + to->n, out->p + out->from, n);
	to->n += n;
	buffer_take(out, n);
}

static void answer_pass(struct passed *to)
{
	static char room[ANSWER_OUT_SIZE];
	struct buffer out = { .p = room, .size = sizeof(room) };
	struct answer_flow a;
	int came = 1, went = 1;

	memset(&to->f, 0, sizeof(to->f));
	to->n = 0;
	MUST(answer_flow_begin(&a, &set, fuzz_arena, NULL) == 0);
	while (went >= 0 && !a.ended && (came || went || !(a.hung_up || a.broken))) {
		came = answer_flow_recv(&a, NULL);
		went = answer_flow_pass(&a, &out, provider.how & CLOSE, provider.how & BILLED,
					fuzz_arena, &to->f);
		MUST(out.from <= out.to && out.to <= out.size && a.in.to <= a.in.size);
		/* A client that takes nothing for a while: the head needs an empty buffer. */
		if (a.head_read)
			client_take(to, &out);
	}
	while (buffer_waiting(&out))
		client_take(to, &out);
	to->ended = a.ended;
	answer_flow_measure(&a, &to->meter);
	answer_flow_end(&a, fuzz_arena);
}

/* The body in what the client got; its length. */
static size_t client_body(const struct passed *got, char *out)
{
	struct answer_head head = { 0 };
	struct http_chunks chunks;
	struct http_view data;
	struct failure f = { 0 };
	enum http_chunks_outcome o = HTTP_CHUNKS_MORE;
	size_t n = 0, at, used;

	MUST(answer_head_read(&head, got->bytes, got->n, &f) == 1);
	MUST(!memmem(got->bytes, head.length, SECRET, strlen(SECRET)));
	if (head.framing != ANSWER_CHUNKED) {
		n = got->n - head.length;
		MUST(head.framing == ANSWER_NO_BODY ? n == 0 : n == head.body_length);
		memcpy(out, got->bytes + head.length, n);
		return n;
	}
	http_chunks_init(&chunks);
	for (at = head.length; at < got->n && o == HTTP_CHUNKS_MORE; at += used) {
		o = http_chunks_read(&chunks, got->bytes + at, got->n - at, &used, &data);
		memcpy(out + n, data.p, data.n);
		n += data.n;
	}
	MUST(o == HTTP_CHUNKS_DONE && at == got->n);
	return n;
}

static void compare_meters(const struct meter_result *a, const struct meter_result *b)
{
	MUST(a->answer == b->answer && a->complete == b->complete && a->error == b->error);
	MUST(memcmp(a->tokens.n, b->tokens.n, sizeof(a->tokens.n)) == 0);
	MUST(a->cost_known == b->cost_known && a->cost == b->cost);
	MUST(strcmp(a->model, b->model) == 0 && !strstr(a->model, SECRET));
}

static void answer_try(unsigned how, uint32_t seed, const char *p, size_t n)
{
	static struct passed whole, pieces;
	static char body[CLIENT_MAX], other[CLIENT_MAX];
	size_t body_n;

	provider.how = how | AT_ONCE;
	provider.p = p;
	provider.n = n;
	answer_pass(&whole);
	provider.how = how & ~(unsigned)AT_ONCE;
	provider.seed = seed;
	provider.p = p;
	provider.n = n;
	answer_pass(&pieces);
	MUST(whole.ended == pieces.ended && strcmp(whole.f.what, pieces.f.what) == 0);
	compare_meters(&whole.meter, &pieces.meter);
	if (!whole.ended)
		return;
	fuzz_understood++;
	body_n = client_body(&whole, body);
	MUST(body_n == client_body(&pieces, other) && memcmp(body, other, body_n) == 0);
	MUST(!memmem(body, body_n, SECRET, strlen(SECRET)));
}

static void meter_try(uint32_t seed, const char *p, size_t n)
{
	struct request_meter whole, pieces;
	size_t all = n, piece;

	request_meter_start(&whole);
	request_meter_feed(&whole, p, n);
	request_meter_start(&pieces);
	for (provider.seed = seed; n > 0; p += piece, n -= piece) {
		piece = 1 + provider_random() % 40;
		piece = piece < n ? piece : n;
		request_meter_feed(&pieces, p, piece);
	}
	MUST(request_meter_is_ambiguous(&whole) == request_meter_is_ambiguous(&pieces));
	MUST(request_meter_output(&whole) == request_meter_output(&pieces));
	MUST(request_meter_input(&whole, all, false) == request_meter_input(&pieces, all, false));
	MUST(request_meter_input(&whole, all, true) == request_meter_input(&pieces, all, true));
	fuzz_understood += request_meter_output(&whole) > 0;
}

/* The model, as it is found while so many bytes more at a time have come. */
static void model_find(const struct http_request *q, const char *p, size_t n, size_t most,
		       char *model)
{
	struct buffer in = { .p = (char *)p, .size = n + 1 };
	struct request_model search;
	size_t piece;
	bool over;

	memset(model, 0, REQUEST_MODEL_SIZE);
	request_model_start(&search);
	do {
		piece = most ? 1 + provider_random() % most : n;
		in.to += piece < n - in.to ? piece : n - in.to;
		over = request_model_find(&search, q, &in, model);
	} while (!over && in.to < n);
	MUST(over || !model[0]);
	MUST(over || in.to == n);
}

static void model_try(uint32_t seed, const char *p, size_t n)
{
	struct http_request plain = { .framing = HTTP_BODY_LENGTH, .length = n },
			    chunked = { .framing = HTTP_BODY_CHUNKED };
	char whole[REQUEST_MODEL_SIZE], pieces[REQUEST_MODEL_SIZE];
	struct http_request *q[] = { &plain, &chunked };
	size_t i;

	provider.seed = seed;
	for (i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
		model_find(q[i], p, n, 0, whole);
		model_find(q[i], p, n, 40, pieces);
		MUST(strcmp(whole, pieces) == 0);
		fuzz_understood += whole[0] != 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n < 2 || n > INPUT_MAX)
		return 0;
	fuzz_inputs++;
	fuzz_arena_make();
	if (p[0] == 'a')
		answer_try(p[1] & 7, 1u + p[1], (const char *)p + 2, n - 2);
	else if (p[0] == 'm') {
		meter_try(1u + p[1], (const char *)p + 2, n - 2);
		model_try(1u + p[1], (const char *)p + 2, n - 2);
	}
	MUST(arena_used(fuzz_arena) == 0);
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct secret_text secret = { (const uint8_t *)SECRET, 8 };

	(void)argc;
	(void)argv;
	MUST(libsodium_start(NULL) == 0 && secret_set_init(&set, &secret, 1, NULL) == 0);
	return atexit(fuzz_at_exit);
}
