/*
 * relay/errand.c - one request of the broker's own.
 */
#include "relay/errand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/number.h"
#include "relay/channel.h"
#include "relay/deadline.h"
#include "relay/http_target.h"
#include "relay/pair.h"
#include "relay/secret_filter.h"
#include "relay/settings.h"
#include "relay/upstream.h"
#include "vault/arena.h"

#define TOTAL_MS 10000
#define BODY_MAX 49152	/* a packet holds it; known answers are shorter than four KiB */
#define RETRY_MAX 86400 /* seconds */
#define HEAD_ROOM 2048	/* the request's, without the key's line */
#define LINE_AROUND 32	/* "Authorization: Bearer " and the line's end */
#define HEAD_REST "User-Agent: ccrun/" CCRUN_VERSION "\r\nConnection: close\r\n"

_Static_assert(BODY_MAX + SECRET_MAX < ANSWER_OUT_SIZE,
	       "there is room while a body is not too large");

void errand_end(struct errand *e, struct relay *r)
{
	if (!e->under_way)
		return;
	arena_release(r->arena, e->request.p);
	upstream_close(e->up);
	answer_flow_end(&e->answer, r->arena);
	if (e->body.p)
		io_wipe(e->body.p, e->body.size);
	free(e->body.p);
	key_let_go(&r->key, e->held);
	memset(e, 0, sizeof(*e));
}

/* ---- the broker is told ---- */

static void errand_tell(struct relay *r, const struct channel_fetched *fetched)
{
	if (relay_channel_answer_fetch(&r->channel, fetched) != 0)
		r->hung_up = true;
}

static void errand_fail(struct errand *e, struct relay *r, const char *error)
{
	const struct channel_fetched fetched = { .id = e->id, .error = error };

	errand_end(e, r);
	errand_tell(r, &fetched);
}

static void errand_finish(struct errand *e, struct relay *r)
{
	struct channel_fetched fetched = { .id = e->id,
					   .status = e->answer.head.status,
					   .retry = e->retry,
					   .body = e->body.p + e->body.from,
					   .n = buffer_waiting(&e->body) };

	/* A key in it could not be seen. */
	if (e->answer.head.coded) {
		errand_fail(e, r, "answer");
		return;
	}
	errand_tell(r, &fetched);
	errand_end(e, r);
}

/* ---- the request ---- */

/* The head without the key's line into e->request, which has room for it.  0 or -1. */
static int errand_write_head(struct errand *e, const struct relay *r, const char *path,
			     struct failure *f)
{
	const struct request_provider provider = { .host = r->settings->host,
						   .prefix = "",
						   .accept = "application/json" };
	struct http_request q = { .method = HTTP_GET, .framing = HTTP_BODY_NONE };
	struct buffer *b = &e->request;

	if (http_target_split(http_view_of(path), &q.path, &q.query) != NULL || q.query.p)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a path that is none");
	if (request_head_write(&q, &provider, b->p, HEAD_ROOM - sizeof(HEAD_REST), &b->to, f) != 0)
		return -1;
	memcpy(b->p + b->to, HEAD_REST, sizeof(HEAD_REST) - 1);
	b->to += sizeof(HEAD_REST) - 1;
	return 0;
}

/* The whole request, with that key of the session.  0 or -1. */
static int errand_write(struct errand *e, const struct relay *r, const struct channel_message *m,
			struct failure *f)
{
	const struct request_secret field = { "Authorization", m->bearer ? "Bearer" : NULL };
	const struct key_value *v = e->held;
	struct buffer *b = &e->request;
	size_t n;

	b->size = HEAD_ROOM + LINE_AROUND + v->len[m->index] + sizeof(REQUEST_HEAD_END);
	b->p = arena_alloc(r->arena, b->size, f);
	if (!b->p || errand_write_head(e, r, m->path, f) != 0 ||
	    request_secret_write(&field, (const char *)v->text[m->index], v->len[m->index],
				 b->p + b->to, buffer_room(b) - sizeof(REQUEST_HEAD_END), &n,
				 f) != 0)
		return -1;
	b->to += n;
	memcpy(b->p + b->to, REQUEST_HEAD_END, strlen(REQUEST_HEAD_END));
	b->to += strlen(REQUEST_HEAD_END);
	return 0;
}

void errand_begin(struct errand *e, struct relay *r, const struct channel_message *m)
{
	const struct channel_fetched missing = { .id = m->id, .error = "missing" };
	struct failure f = { .code = FAIL_NONE };

	/* The key is not asked for: numbers alone are no use of it. */
	if (e->under_way || r->ended || !key_is_whole(&r->key) || m->index >= r->key.count) {
		errand_tell(r, &missing);
		return;
	}
	e->under_way = true;
	e->held = key_hold(&r->key);
	e->id = m->id;
	e->deadline = clock_now_ms() + TOTAL_MS;
	e->body = (struct buffer){ .p = malloc(ANSWER_OUT_SIZE), .size = ANSWER_OUT_SIZE };
	if (!e->body.p || errand_write(e, r, m, &f) != 0 ||
	    answer_flow_begin(&e->answer, e->held->set, r->arena, &f) != 0 ||
	    (e->up = upstream_open(r->upstreams)) == NULL) {
		errand_fail(e, r, "missing");
		return;
	}
	e->answer.bare = true;
}

/* ---- on its way ---- */

static void errand_send(struct errand *e, struct relay *r)
{
	struct buffer *b = &e->request;
	ssize_t n;

	while (buffer_waiting(b)) {
		n = upstream_send(e->up, b->p + b->from, buffer_waiting(b));
		if (n < 0 && errno == EAGAIN)
			return;
		/* An answer may be there all the same. */
		buffer_take(b, n < 0 ? buffer_waiting(b) : (size_t)n);
	}
	arena_release(r->arena, b->p);
	memset(b, 0, sizeof(*b));
}

/* The head has been passed on to e->body, which is for the body alone. */
static void errand_take_head(struct errand *e)
{
	const struct answer_flow *a = &e->answer;
	const struct answer_field *retry = answer_head_find(&a->head, a->in.p, "retry-after", NULL);
	char digits[12] = "";

	/* A date is not read. */
	if (retry && retry->value.n < sizeof(digits)) {
		memcpy(digits, a->in.p + retry->value.at, retry->value.n);
		number_parse(digits, 0, RETRY_MAX, &e->retry);
	}
	io_wipe(e->body.p, e->body.to);
	e->body.from = e->body.to = 0;
}

/* What has come.  An error's word, or NULL. */
static const char *errand_receive(struct errand *e, struct relay *r)
{
	struct failure f = { .code = FAIL_NONE };
	struct answer_flow *a = &e->answer;
	bool had_head;
	int got, passed;

	do {
		had_head = a->head_read;
		got = answer_flow_recv(a, e->up);
		passed = answer_flow_pass(a, &e->body, false, false, r->arena, &f);
		if (passed < 0)
			return f.code == FAIL_PEER	  ? "network"
			       : f.code == FAIL_NO_MEMORY ? "missing"
							  : "answer";
		if (a->head_read && !had_head)
			errand_take_head(e);
		if (buffer_waiting(&e->body) > BODY_MAX)
			return "too-large";
	} while (got + passed > 0 && !a->ended);
	return NULL;
}

static const char *errand_go_on(struct errand *e, struct relay *r)
{
	enum upstream_state state = upstream_state(e->up);

	switch (state) {
	case UPSTREAM_CONNECTING:
		return NULL;
	case UPSTREAM_UNREACHABLE:
		return "network";
	case UPSTREAM_SLOW:
		return "timeout";
	case UPSTREAM_UNTRUSTED:
		return "tls";
	case UPSTREAM_CONNECTED:
		break;
	}
	e->connected = true;
	errand_send(e, r);
	return errand_receive(e, r);
}

/* ---- events ---- */

void errand_poll(const struct errand *e, struct pollfd *fd, int *timeout)
{
	*fd = (struct pollfd){ .fd = -1 };
	if (!e->under_way)
		return;
	if (e->connected) {
		fd->fd = upstream_fd(e->up);
		fd->events = (short)(POLLIN | (buffer_waiting(&e->request) ? POLLOUT : 0));
	}
	deadline_shorten(e->deadline, timeout);
}

void errand_run(struct errand *e, struct relay *r, const struct pollfd *fd)
{
	const char *error = NULL;

	if (!e->under_way)
		return;
	if (!e->connected || fd->revents)
		error = errand_go_on(e, r);
	if (!error && !e->answer.ended && clock_now_ms() >= e->deadline)
		error = "timeout";
	if (error)
		errand_fail(e, r, error);
	else if (e->answer.ended)
		errand_finish(e, r);
}

void errand_wipe(struct errand *e, struct relay *r)
{
	if (e->under_way)
		errand_fail(e, r, "missing");
}
