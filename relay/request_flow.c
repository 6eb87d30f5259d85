/*
 * relay/request_flow.c - one request on its way from the client to the provider.
 */
#include "relay/request_flow.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"
#include "relay/key.h"
#include "relay/upstream.h"
#include "vault/arena.h"

#define PIECE 16384 /* of a body; what TLS sends at once */
#define CHUNK_AROUND (HTTP_CHUNK_HEAD_MAX + sizeof(HTTP_CHUNK_END) + sizeof(HTTP_CHUNKS_END))
#define HEAD_ADDED 512 /* to the client's own: Host's name, the types of answers */
#define FIELD_AROUND 4 /* a field's colon, blank and line end */

void request_flow_init(struct request_flow *r)
{
	memset(r, 0, sizeof(*r));
	http_request_init(&r->reader);
	http_chunks_init(&r->chunks);
	request_meter_start(&r->meter);
	request_model_start(&r->search);
}

bool request_flow_find_model(struct request_flow *r, const struct buffer *in)
{
	const struct http_request *q = &r->reader.request;

	if (r->route->model) {
		request_route_model(r->route, q->path, r->model, sizeof(r->model));
		return true;
	}
	return request_model_find(&r->search, q, in, r->model);
}

static int flow_write_head(struct request_flow *r, const struct request_provider *provider,
			   const struct key *key, struct failure *f)
{
	size_t n;

	if (request_head_write(&r->reader.request, provider, r->out.p,
			       r->out.size - key->lines_n - PIECE - CHUNK_AROUND, &n, f) != 0)
		return -1;
	memcpy(r->out.p + n, key->lines, key->lines_n);
	r->out.to = n + key->lines_n;
	return 0;
}

/* The bytes of what the relay adds beside the key. */
static size_t added_size(const struct request_field_policy *fields)
{
	size_t i, n = 0;

	for (i = 0; i < fields->added_count; i++)
		n += strlen(fields->added[i].name) + strlen(fields->added[i].value) + FIELD_AROUND;
	return n;
}

int request_flow_begin(struct request_flow *r, struct buffer *in,
		       const struct request_provider *provider, const struct key *key,
		       struct arena *arena, struct failure *f)
{
	const struct http_request *q = &r->reader.request;

	r->out.size = q->head_size + strlen(provider->host) + strlen(provider->prefix) +
		      added_size(&provider->fields) + HEAD_ADDED + key->lines_n + PIECE +
		      CHUNK_AROUND;
	r->out.p = arena_alloc(arena, r->out.size, f);
	if (!r->out.p || flow_write_head(r, provider, key, f) != 0) {
		request_flow_end(r, arena);
		return -1;
	}
	r->left = q->framing == HTTP_BODY_LENGTH ? q->length : 0;
	r->ended =
		q->framing == HTTP_BODY_NONE || (q->framing == HTTP_BODY_LENGTH && q->length == 0);
	buffer_take(in, q->head_size);
	return 0;
}

static void out_put(struct buffer *out, const void *p, size_t n)
{
	memcpy(out->p + out->to, p, n);
	out->to += n;
}

/* n bytes of the body itself, which have not gone out.  A path that names the model decides. */
static int flow_note_data(struct request_flow *r, const char *p, size_t n, struct failure *f)
{
	r->bytes += n;
	if (r->route->billed)
		request_meter_feed(&r->meter, p, n);
	if (!r->route->billed || r->route->model || !control_active(CONTROL_ONE_MODEL))
		return 0;
	if (request_meter_is_ambiguous(&r->meter))
		return fail_set(f, FAIL_MALFORMED, NULL, "a body that names two models");
	if (r->counted && request_meter_is_unreadable(&r->meter))
		return fail_set(f, FAIL_MALFORMED, NULL,
				"a body that is no JSON, of a request with a limit");
	return 0;
}

static void flow_note_end(struct request_flow *r)
{
	r->ended = true;
	r->output = r->route->billed && !r->route->streams ? request_meter_output(&r->meter) : 0;
}

static int flow_take_plain(struct request_flow *r, struct buffer *in, struct failure *f)
{
	size_t n = buffer_waiting(in), room = buffer_room(&r->out);

	if (n > r->left)
		n = (size_t)r->left;
	if (n > room)
		n = room;
	if (n == 0)
		return 0;
	out_put(&r->out, in->p + in->from, n);
	if (flow_note_data(r, in->p + in->from, n, f) != 0)
		return -1;
	buffer_take(in, n);
	r->left -= n;
	if (r->left == 0)
		flow_note_end(r);
	return 1;
}

static int flow_take_chunks(struct request_flow *r, struct buffer *in, struct failure *f)
{
	size_t n = buffer_waiting(in), room = buffer_room(&r->out), used;
	enum http_chunks_outcome outcome;
	char head[HTTP_CHUNK_HEAD_MAX];
	struct http_view data;

	if (n == 0 || room <= CHUNK_AROUND)
		return 0;
	if (n > room - CHUNK_AROUND)
		n = room - CHUNK_AROUND;
	outcome = http_chunks_read(&r->chunks, in->p + in->from, n, &used, &data);
	if (outcome == HTTP_CHUNKS_REFUSED)
		return fail_set(f, FAIL_MALFORMED, NULL, "%s", r->chunks.reason);
	if (data.n) {
		out_put(&r->out, head, http_chunk_put_head(head, data.n));
		out_put(&r->out, data.p, data.n);
		out_put(&r->out, HTTP_CHUNK_END, strlen(HTTP_CHUNK_END));
		if (flow_note_data(r, data.p, data.n, f) != 0)
			return -1;
	}
	if (outcome == HTTP_CHUNKS_DONE) {
		out_put(&r->out, HTTP_CHUNKS_END, strlen(HTTP_CHUNKS_END));
		flow_note_end(r);
	}
	buffer_take(in, used);
	return 1;
}

int request_flow_take(struct request_flow *r, struct buffer *in, struct failure *f)
{
	if (r->ended)
		return 0;
	if (r->broken)
		r->out.from = r->out.to = 0;
	if (r->reader.request.framing == HTTP_BODY_LENGTH)
		return flow_take_plain(r, in, f);
	return flow_take_chunks(r, in, f);
}

int request_flow_send(struct request_flow *r, struct upstream *u)
{
	size_t waiting = buffer_waiting(&r->out);
	ssize_t n;

	if (waiting == 0 || r->broken)
		return 0;
	n = upstream_send(u, r->out.p + r->out.from, waiting);
	if (n < 0) {
		r->broken = errno != EAGAIN;
		/* Where it was not the provider that ended it, it would wait for the rest. */
		if (r->broken)
			shutdown(upstream_fd(u), SHUT_WR);
		return 0;
	}
	buffer_take(&r->out, (size_t)n);
	if (r->out.to == 0 && !r->head_sent) {
		/* The key was in it. */
		io_wipe(r->out.p, r->out.size);
		r->head_sent = true;
	}
	return 1;
}

void request_flow_end(struct request_flow *r, struct arena *arena)
{
	arena_release(arena, r->out.p);
	memset(&r->out, 0, sizeof(r->out));
}
