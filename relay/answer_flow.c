/*
 * relay/answer_flow.c - one answer on its way from the provider to the client.
 */
#include "relay/answer_flow.h"

#include <errno.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "relay/secret_filter.h"
#include "relay/upstream.h"
#include "vault/arena.h"

#define PIECE 16384 /* what TLS gives at once */
#define CHUNK_AROUND (HTTP_CHUNK_HEAD_MAX + sizeof(HTTP_CHUNK_END) + sizeof(HTTP_CHUNKS_END))

_Static_assert(ANSWER_OUT_SIZE > 2 * (SECRET_MAX + CHUNK_AROUND) + PIECE,
	       "what the filter held back and a piece fit into an empty buffer");

int answer_flow_begin(struct answer_flow *a, const struct secret_set *set, struct arena *arena,
		      struct failure *f)
{
	memset(a, 0, sizeof(*a));
	http_chunks_init(&a->chunks);
	a->in.p = arena_alloc(arena, PIECE, f);
	a->filter = a->in.p ? arena_alloc(arena, sizeof(*a->filter), f) : NULL;
	if (!a->filter) {
		answer_flow_end(a, arena);
		return -1;
	}
	a->in.size = PIECE;
	secret_filter_init(a->filter, set);
	return 0;
}

void answer_flow_end(struct answer_flow *a, struct arena *arena)
{
	arena_release(arena, a->in.p);
	arena_release(arena, a->filter);
	io_wipe(a, sizeof(*a));
}

int answer_flow_recv(struct answer_flow *a, struct upstream *u)
{
	size_t room = buffer_room(&a->in);
	ssize_t n;

	if (room == 0 || a->hung_up || a->broken)
		return 0;
	n = upstream_recv(u, a->in.p + a->in.to, room);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n > 0)
		a->in.to += (size_t)n;
	else if (n == 0)
		a->hung_up = true;
	else
		a->broken = true;
	return 1;
}

/* ---- the head ---- */

/* A head longer than a piece: all of it has to lie in one place. */
static int flow_grow(struct answer_flow *a, struct arena *arena, struct failure *f)
{
	char *larger = arena_alloc(arena, ANSWER_HEAD_MAX, f);

	if (!larger)
		return -1;
	memcpy(larger, a->in.p, a->in.to);
	arena_release(arena, a->in.p);
	a->in.p = larger;
	a->in.size = ANSWER_HEAD_MAX;
	return 0;
}

unsigned answer_flow_status(const struct answer_flow *a)
{
	struct answer_head head = { 0 };
	struct failure f;

	if (a->head_read)
		return a->head.status;
	return answer_head_read(&head, a->in.p, a->in.to, &f) > 0 ? head.status : 0;
}

static void flow_begin_meter(struct answer_flow *a)
{
	const struct answer_field *type = answer_head_find(&a->head, a->in.p, "content-type", NULL);
	enum meter_format format = METER_OTHER;

	if (type && !a->head.coded)
		format = meter_format_of(a->in.p + type->value.at, type->value.n);
	meter_start(&a->meter, format);
	a->metered = true;
}

static int flow_pass_head(struct answer_flow *a, struct buffer *out, bool close, bool billed,
			  struct failure *f)
{
	size_t n;
	int r = answer_head_read(&a->head, a->in.p, a->in.to, f);

	if (r <= 0)
		return r;
	a->close = close || a->head.last || a->head.framing == ANSWER_UNTIL_CLOSE;
	if (answer_head_write(&a->head, a->in.p, a->filter, a->close, out->p, out->size, &n, f) !=
	    0)
		return -1;
	out->to = n;
	if (billed && a->head.status / 100 == 2)
		flow_begin_meter(a);
	buffer_take(&a->in, a->head.length);
	a->head_read = true;
	a->left = a->head.body_length;
	a->ended = a->head.framing == ANSWER_NO_BODY ||
		   (a->head.framing == ANSWER_LENGTH && a->left == 0);
	return 1;
}

/* ---- the body ---- */

/* Bytes before what is written as a chunk: where its head will be put. */
static size_t chunk_room(const struct answer_flow *a)
{
	return a->bare || a->head.framing == ANSWER_LENGTH ? 0 : HTTP_CHUNK_HEAD_MAX;
}

/* n bytes were written behind chunk_room: put them into a chunk, or move nothing. */
static void out_close_piece(const struct answer_flow *a, struct buffer *out, size_t n)
{
	char head[HTTP_CHUNK_HEAD_MAX];
	char *at = out->p + out->to;
	size_t head_n;

	if (n == 0)
		return;
	if (chunk_room(a)) {
		head_n = http_chunk_put_head(head, n);
		memmove(at + head_n, at + chunk_room(a), n);
		memcpy(at, head, head_n);
		memcpy(at + head_n + n, HTTP_CHUNK_END, strlen(HTTP_CHUNK_END));
		n += head_n + strlen(HTTP_CHUNK_END);
	}
	out->to += n;
}

/* What the filter may write of a piece and at the end, with what stands around, must fit. */
static size_t out_room(const struct answer_flow *a, const struct buffer *out)
{
	size_t room = buffer_room(out), least = 2 * CHUNK_AROUND + a->filter->count;

	return room > least ? room - least : 0;
}

/* n bytes of the body itself; out_room says how many they may be. */
static void flow_pass_data(struct answer_flow *a, struct buffer *out, const char *p, size_t n)
{
	size_t written;

	if (a->metered)
		meter_feed(&a->meter, p, n);
	secret_filter_write(a->filter, (const uint8_t *)p, n,
			    (uint8_t *)out->p + out->to + chunk_room(a),
			    buffer_room(out) - CHUNK_AROUND, &written);
	out_close_piece(a, out, written);
	a->sent += n;
}

/* The body has ended: what the filter held back, and the end of the framing. */
static void flow_pass_end(struct answer_flow *a, struct buffer *out)
{
	size_t n = secret_filter_finish(a->filter, (uint8_t *)out->p + out->to + chunk_room(a),
					buffer_room(out) - CHUNK_AROUND);

	out_close_piece(a, out, n);
	if (chunk_room(a)) {
		memcpy(out->p + out->to, HTTP_CHUNKS_END, strlen(HTTP_CHUNKS_END));
		out->to += strlen(HTTP_CHUNKS_END);
	}
	a->ended = true;
}

static int flow_pass_body(struct answer_flow *a, struct buffer *out, struct failure *f)
{
	size_t n = buffer_waiting(&a->in), room = out_room(a, out), used = 0;
	enum http_chunks_outcome outcome = HTTP_CHUNKS_MORE;
	struct http_view data = { a->in.p + a->in.from, 0 };

	if (n > room)
		n = room;
	if (a->head.framing == ANSWER_CHUNKED) {
		outcome = http_chunks_read(&a->chunks, data.p, n, &used, &data);
		if (outcome == HTTP_CHUNKS_REFUSED)
			return fail_set(f, FAIL_MALFORMED, NULL, "the answer: %s",
					a->chunks.reason);
	} else {
		if (a->head.framing == ANSWER_LENGTH && n > a->left)
			n = (size_t)a->left;
		data.n = used = n;
	}
	if (data.n)
		flow_pass_data(a, out, data.p, data.n);
	a->left -= a->head.framing == ANSWER_LENGTH ? used : 0;
	buffer_take(&a->in, used);
	if (outcome == HTTP_CHUNKS_DONE || (a->head.framing == ANSWER_LENGTH && a->left == 0))
		flow_pass_end(a, out);
	return used || a->ended;
}

/* The provider has ended the connection, and all that came of it has been read. */
static int flow_pass_hang_up(struct answer_flow *a, struct buffer *out, struct failure *f)
{
	if (a->hung_up && a->head_read && a->head.framing == ANSWER_UNTIL_CLOSE) {
		flow_pass_end(a, out);
		return 1;
	}
	if (!a->head_read)
		return fail_set(f, FAIL_PEER, NULL, "the connection ended before an answer");
	return fail_set(f, FAIL_PEER, NULL, "the connection ended in the answer");
}

int answer_flow_pass(struct answer_flow *a, struct buffer *out, bool close, bool billed,
		     struct arena *arena, struct failure *f)
{
	int r = 0;

	if (a->ended)
		return 0;
	if (!a->head_read) {
		if (buffer_room(&a->in) == 0 && a->in.size < ANSWER_HEAD_MAX &&
		    flow_grow(a, arena, f) != 0)
			return -1;
		if (a->in.to)
			r = flow_pass_head(a, out, close, billed, f);
	} else if (out_room(a, out)) {
		if (buffer_waiting(&a->in))
			r = flow_pass_body(a, out, f);
	} else {
		return 0;
	}
	if (r != 0 || !(a->hung_up || a->broken))
		return r;
	/* Nothing more can come of what is there. */
	return flow_pass_hang_up(a, out, f);
}

/*
 * The meter reads what the provider sent, whose text may be the key, in the letters of JSON
 * too.  What is counted stands in a file.  A wipe comes before all else, also before what was
 * under way is reported: then nobody can tell the key from a model.
 */
static void flow_mask_model(struct answer_flow *a, char model[JSON_LEXER_TEXT_MAX + 1])
{
	uint8_t said[JSON_LEXER_TEXT_MAX];
	size_t n = strlen(model), written;

	if (a->filter->set->wiped) {
		io_wipe(model, n);
		return;
	}
	memcpy(said, model, n);
	secret_filter_init(a->filter, a->filter->set);
	secret_filter_write(a->filter, said, n, (uint8_t *)model, n, &written);
	secret_filter_finish(a->filter, (uint8_t *)model + written, n - written);
	io_wipe(said, sizeof(said));
}

void answer_flow_measure(struct answer_flow *a, struct meter_result *result)
{
	memset(result, 0, sizeof(*result));
	if (!a->metered)
		return;
	meter_finish(&a->meter, result);
	flow_mask_model(a, result->model);
	a->metered = false;
	if (result->answer != METER_MESSAGE)
		result->complete = false;
}
