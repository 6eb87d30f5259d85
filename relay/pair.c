/*
 * relay/pair.c - one connection of the client with one to the provider.
 */
#include "relay/pair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/sock.h"
#include "relay/answer_flow.h"
#include "relay/api_error.h"
#include "relay/buffer.h"
#include "relay/kept_request.h"
#include "relay/request_flow.h"
#include "relay/settings.h"
#include "relay/upstream.h"

#define STEPS_MAX 32		/* of one pair, before others have their turn */
#define LINGER_MS 2000		/* for the client to read the last answer */
#define DROPPED_MAX (64u << 20) /* bytes that are read after it, and not used */

enum pair_state {
	PAIR_HEAD,     /* a request's head is read, or awaited */
	PAIR_VALUE,    /* the key is awaited */
	PAIR_RESERVE,  /* the broker's word on the limit is */
	PAIR_CONNECT,  /* the connection to the provider is */
	PAIR_EXCHANGE, /* the request goes out, the answer comes in */
	PAIR_RENEW,    /* the provider refused the key; another one is awaited */
	PAIR_FAREWELL, /* the last bytes go to the client; what it still sends is dropped */
	PAIR_OVER
};

struct pair {
	struct relay *relay;
	enum pair_state state;
	int fd;
	struct upstream *up;	  /* NULL: none yet */
	struct buffer in, out;	  /* from the client, to the client */
	size_t in_used, out_used; /* how much of them is to be wiped */
	struct request_flow request;
	struct answer_flow answer;
	struct kept_request kept;
	struct key_value *held; /* with which the request is sent */
	uint64_t key_number;	/* of that */
	uint64_t id;
	bool due;	 /* the broker is to be told what the request came to */
	bool idle_event; /* the provider's connection has something, between two requests */
	bool again;	 /* it has had its turn, and would go on */
	bool shut;	 /* our side of the client's connection is */
	size_t dropped;
	int64_t linger_until;
};

/* ---- life ---- */

struct pair *pair_accept(struct relay *r)
{
	int fd = sock_accept(r->settings->listener);
	struct pair *p;

	if (fd < 0)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (p) {
		p->in = (struct buffer){ .p = malloc(HTTP_HEAD_MAX), .size = HTTP_HEAD_MAX };
		p->out = (struct buffer){ .p = malloc(ANSWER_OUT_SIZE), .size = ANSWER_OUT_SIZE };
	}
	if (!p || !p->in.p || !p->out.p) {
		if (p) {
			free(p->in.p);
			free(p->out.p);
		}
		free(p);
		close(fd);
		return NULL;
	}
	p->relay = r;
	p->fd = fd;
	request_flow_init(&p->request);
	return p;
}

/* left: the client went, or was made to; then an answer that is not known may cost. */
static void pair_report(struct pair *p, bool left)
{
	struct meter_result result;
	struct channel_use use = { .id = p->id, .result = &result, .bytes = p->request.bytes };

	if (!p->due)
		return;
	p->due = false;
	answer_flow_measure(&p->answer, &result);
	use.model = result.model[0] ? result.model : p->request.model;
	if (p->answer.head_read) {
		use.status = p->answer.head.status;
		use.billed = use.status / 100 == 2;
	} else {
		use.billed = left && p->request.head_sent;
	}
	use.complete = result.complete && p->answer.ended;
	use.sent = p->answer.sent;
	if (relay_channel_report_use(&p->relay->channel, &use) != 0)
		p->relay->hung_up = true;
}

/* What a conversation left in the buffers, but for what the client sent of the next one. */
static void pair_wipe_buffers(struct pair *p)
{
	size_t kept = buffer_waiting(&p->in);

	if (kept && p->in.from)
		memmove(p->in.p, p->in.p + p->in.from, kept);
	if (p->in_used > kept)
		io_wipe(p->in.p + kept, p->in_used - kept);
	p->in.from = 0;
	p->in.to = p->in_used = kept;
	io_wipe(p->out.p, p->out_used);
	p->out.from = p->out.to = p->out_used = 0;
}

static void pair_end_try(struct pair *p)
{
	request_flow_end(&p->request, p->relay->arena);
	answer_flow_end(&p->answer, p->relay->arena);
	key_let_go(&p->relay->key, p->held);
	p->held = NULL;
	io_wipe(&p->request, sizeof(p->request));
	request_flow_init(&p->request);
}

static void pair_end_flows(struct pair *p)
{
	pair_end_try(p);
	kept_request_end(&p->kept);
}

static void pair_close_upstream(struct pair *p)
{
	upstream_close(p->up);
	p->up = NULL;
}

static void pair_end(struct pair *p, bool left)
{
	if (p->state == PAIR_OVER)
		return;
	pair_report(p, left);
	pair_end_flows(p);
	pair_close_upstream(p);
	p->in.from = p->in.to = 0;
	pair_wipe_buffers(p);
	close(p->fd);
	p->fd = -1;
	p->state = PAIR_OVER;
}

bool pair_is_over(const struct pair *p)
{
	return p->state == PAIR_OVER;
}

bool pair_is_idle(const struct pair *p)
{
	return p->state == PAIR_HEAD && p->in.to == 0;
}

void pair_free(struct pair *p)
{
	pair_end(p, true);
	free(p->in.p);
	free(p->out.p);
	free(p);
}

/* ---- the client's side ---- */

/* Read what there is room for.  True: some came. */
static bool pair_fill(struct pair *p)
{
	ssize_t n = sender_recv(&p->relay->sender, p->fd, p->in.p + p->in.to, buffer_room(&p->in));

	if (n > 0) {
		p->in.to += (size_t)n;
		if (p->in_used < p->in.to)
			p->in_used = p->in.to;
		return true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return false;
	if (n < 0 && errno == EPERM)
		relay_channel_note_refusal(&p->relay->channel,
					   "another process wrote to a connection of the session");
	pair_end(p, true);
	return false;
}

/* Write what waits.  True: some went. */
static bool pair_flush(struct pair *p)
{
	size_t waiting = buffer_waiting(&p->out);
	ssize_t n;

	if (waiting == 0)
		return false;
	if (p->out_used < p->out.to)
		p->out_used = p->out.to;
	do
		n = send(p->fd, p->out.p + p->out.from, waiting, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		buffer_take(&p->out, (size_t)n);
		return true;
	}
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		pair_end(p, true);
	return false;
}

/* The client gets what waits for it, then the end of the connection. */
static void pair_bid_farewell(struct pair *p, bool left)
{
	pair_report(p, left);
	pair_end_flows(p);
	pair_close_upstream(p);
	p->in.from = p->in.to = 0;
	p->state = PAIR_FAREWELL;
}

static void pair_say(struct pair *p, const struct api_error *e)
{
	pair_bid_farewell(p, false);
	p->out.from = 0;
	p->out.to = api_error_write(e, p->out.p);
}

/* An answer of our own, and the connection's end; text without an end. */
static void pair_answer(struct pair *p, unsigned status, enum api_error_type type, const char *text)
{
	char words[API_ERROR_TEXT_MAX];
	const struct api_error e = { status, type, words, 0, true };

	snprintf(words, sizeof(words), "ccrun: %s", text);
	pair_say(p, &e);
}

/* Closing at once could take the answer from a client that still writes. */
static bool step_farewell(struct pair *p)
{
	bool went = pair_flush(p);

	if (p->state == PAIR_OVER)
		return false;
	if (buffer_waiting(&p->out) == 0 && !p->shut) {
		shutdown(p->fd, SHUT_WR);
		p->shut = true;
		p->linger_until = clock_now_ms() + LINGER_MS;
	}
	p->in.from = p->in.to = 0;
	if (pair_fill(p)) {
		p->dropped += p->in.to;
		went = true;
	}
	if (p->state != PAIR_OVER && p->shut &&
	    (p->dropped > DROPPED_MAX || clock_now_ms() >= p->linger_until))
		pair_end(p, false);
	return went && p->state != PAIR_OVER;
}

/* ---- from a head to an exchange ---- */

static void pair_refuse_memory(struct pair *p)
{
	pair_answer(p, 503, API_ERROR, "too many requests at once for its locked memory");
}

/* Where the request comes from: the client, or what was kept of it. */
static struct buffer *pair_source(struct pair *p)
{
	return kept_request_waits(&p->kept) ? &p->kept.b : &p->in;
}

static void pair_exchange(struct pair *p)
{
	struct relay *r = p->relay;
	struct failure f = { .code = FAIL_NONE };

	p->held = key_hold(&r->key);
	p->key_number = r->key.number;
	p->kept.on = r->settings->renewable && !p->kept.replaying;
	kept_request_add(&p->kept, p->in.p, p->request.reader.request.head_size);
	if (answer_flow_begin(&p->answer, p->held->set, r->arena, &f) == 0 &&
	    request_flow_begin(&p->request, pair_source(p), &r->settings->provider, &r->key,
			       r->arena, &f) == 0) {
		p->state = PAIR_EXCHANGE;
		return;
	}
	if (f.code == FAIL_NO_MEMORY) {
		pair_refuse_memory(p);
		return;
	}
	relay_channel_note_failure(&r->channel, f.what);
	pair_answer(p, 400, API_INVALID_REQUEST, f.what);
}

static void pair_connect(struct pair *p)
{
	p->due = p->request.route->billed;
	if (p->up) {
		pair_exchange(p);
		return;
	}
	p->up = upstream_open(p->relay->upstreams);
	if (p->up)
		p->state = PAIR_CONNECT;
	else
		pair_refuse_memory(p);
}

static bool step_connect(struct pair *p)
{
	char words[API_ERROR_TEXT_MAX];
	enum upstream_state state = upstream_state(p->up);

	if (state == UPSTREAM_CONNECTING)
		return false;
	if (state == UPSTREAM_CONNECTED) {
		pair_exchange(p);
		return true;
	}
	snprintf(words, sizeof(words), "%s", upstream_words(p->up));
	relay_channel_note_failure(&p->relay->channel, words);
	if (state == UPSTREAM_UNTRUSTED)
		pair_answer(p, 400, API_INVALID_REQUEST, words);
	else
		pair_answer(p, state == UPSTREAM_SLOW ? 504 : 502, API_ERROR, words);
	return true;
}

static void pair_reserve(struct pair *p)
{
	struct relay *r = p->relay;
	const struct http_request *q = &p->request.reader.request;

	if (!r->limited || !p->request.route->billed) {
		pair_connect(p);
		return;
	}
	p->state = PAIR_RESERVE;
	if (relay_channel_reserve(&r->channel, p->id, p->request.model, q->length) != 0)
		r->hung_up = true;
}

static void pair_ask_key(struct pair *p)
{
	struct relay *r = p->relay;

	p->state = PAIR_VALUE;
	if (r->asked)
		return;
	r->asked = true;
	if (relay_channel_ask_value(&r->channel) != 0)
		r->hung_up = true;
}

/* The beginning of the body tells which model it asks for: it has not come yet? */
static bool pair_lacks_model(const struct pair *p)
{
	const struct http_request *q = &p->request.reader.request;

	return p->request.route->billed && q->framing == HTTP_BODY_LENGTH && q->length > 0 &&
	       p->in.to == q->head_size && buffer_room(&p->in) > 0;
}

static void pair_begin_request(struct pair *p)
{
	struct relay *r = p->relay;

	request_flow_find_model(&p->request, &p->in);
	p->id = ++r->last_id;
	if (r->ended)
		pair_answer(p, 403, API_PERMISSION, r->why_ended.what);
	else if (key_is_whole(&r->key) && (r->key_until == 0 || clock_now_ms() < r->key_until))
		pair_reserve(p);
	else
		pair_ask_key(p);
}

static void pair_refuse_path(struct pair *p)
{
	const struct http_request *q = &p->request.reader.request;
	char words[256];

	/* Of the path, not of the query: that may say more than who reads the log may know. */
	snprintf(words, sizeof(words), "%s %.*s does not pass",
		 q->method == HTTP_POST ? "POST" : "GET", (int)(q->path.n < 160 ? q->path.n : 160),
		 q->path.p);
	relay_channel_note_refusal(&p->relay->channel, words);
	pair_answer(p, 404, API_NOT_FOUND, "this path does not pass to the provider");
}

static void pair_refuse_head(struct pair *p)
{
	const struct http_refusal refusal = p->request.reader.refusal;

	relay_channel_note_refusal(&p->relay->channel, refusal.reason);
	pair_answer(p, (unsigned)refusal.status, API_INVALID_REQUEST, refusal.reason);
}

/* Between two requests the provider says nothing; if it hangs up, so do we. */
static bool pair_hears_idle_upstream(struct pair *p)
{
	char byte;

	p->idle_event = false;
	return upstream_recv(p->up, &byte, 1) >= 0 || errno != EAGAIN;
}

static bool step_head(struct pair *p)
{
	const struct http_request *q = &p->request.reader.request;
	struct relay *r = p->relay;

	if (p->idle_event && p->up && pair_hears_idle_upstream(p)) {
		pair_end(p, false);
		return false;
	}
	switch (http_request_read(&p->request.reader, p->in.p, p->in.to)) {
	case HTTP_MORE:
		return pair_fill(p);
	case HTTP_REFUSED:
		pair_refuse_head(p);
		return true;
	case HTTP_DONE:
		break;
	}
	if (!p->request.route)
		p->request.route =
			request_route_find(r->routes, r->route_count, q->method, q->path, q->query);
	if (!p->request.route)
		pair_refuse_path(p);
	else if (pair_lacks_model(p))
		return pair_fill(p);
	else
		pair_begin_request(p);
	return true;
}

/* ---- an exchange ---- */

static void pair_fail_exchange(struct pair *p, const struct failure *f)
{
	char words[sizeof(f->what) + ORIGIN_MAX_LEN + 8];

	snprintf(words, sizeof(words), "%s: %s", p->relay->settings->host, f->what);
	relay_channel_note_failure(&p->relay->channel, words);
	if (p->answer.head_read)
		pair_bid_farewell(p, false); /* in mid-answer, so that it is no whole one */
	else if (f->code == FAIL_NO_MEMORY)
		pair_refuse_memory(p);
	else
		pair_answer(p, 502, API_ERROR, words);
}

/* Both connections are kept, or neither. */
static void pair_finish_exchange(struct pair *p)
{
	bool keep = p->request.ended && !p->request.broken && p->request.reader.request.keep &&
		    buffer_waiting(&p->request.out) == 0 && !p->answer.close &&
		    !p->answer.hung_up && !p->answer.broken && buffer_waiting(&p->answer.in) == 0;

	if (!keep) {
		pair_bid_farewell(p, false);
		return;
	}
	pair_report(p, false);
	pair_end_flows(p);
	pair_wipe_buffers(p);
	p->state = PAIR_HEAD;
}

static void pair_refuse_body(struct pair *p, const struct failure *f)
{
	relay_channel_note_refusal(&p->relay->channel, f->what);
	if (p->answer.head_read)
		pair_bid_farewell(p, true);
	else
		pair_answer(p, 400, API_INVALID_REQUEST, f->what);
}

static int pair_take_body(struct pair *p, struct failure *f)
{
	struct buffer *in = pair_source(p);
	const char *at = in->p + in->from;
	size_t had = buffer_waiting(in);
	int r = request_flow_take(&p->request, in, f);

	kept_request_add(&p->kept, at, had - buffer_waiting(in));
	return r;
}

/* Send what was kept to the provider once more, with the key that has come. */
static void pair_send_again(struct pair *p)
{
	const struct request_route *route = p->request.route;
	const struct api_error e = { 503, API_ERROR, "ccrun: the key was renewed: try again", 1,
				     true };
	char model[sizeof(p->request.model)];

	if (p->kept.over) {
		pair_say(p, &e);
		return;
	}
	memcpy(model, p->request.model, sizeof(model));
	pair_end_try(p);
	pair_close_upstream(p);
	kept_request_replay(&p->kept);
	if (http_request_read(&p->request.reader, p->kept.b.p, p->kept.b.to) != HTTP_DONE) {
		pair_end(p, true);
		return;
	}
	p->request.route = route;
	memcpy(p->request.model, model, sizeof(model));
	pair_connect(p);
}

/* The provider refuses the key, which may only have been renewed where it is kept. */
static void pair_renew(struct pair *p)
{
	struct relay *r = p->relay;

	p->kept.on = false;
	p->state = PAIR_RENEW;
	if (key_is_whole(&r->key) && r->key.number != p->key_number) {
		pair_send_again(p);
		return;
	}
	if (r->asked)
		return;
	r->asked = true;
	if (relay_channel_ask_renewal(&r->channel) != 0)
		r->hung_up = true;
}

/*
 * Pass on all of the answer that is there, or fits: the client is woken once for it.
 * Returns 1: something went on; 0: nothing; -1 with f set.
 */
static int pair_pass_answer(struct pair *p, struct failure *f)
{
	const struct request_flow *q = &p->request;
	bool close_after = !q->ended || !q->reader.request.keep, went = false;
	struct answer_flow *a = &p->answer;
	int r, got;

	do {
		got = answer_flow_recv(a, p->up);
		if (p->kept.on && answer_flow_status(a) == 401) {
			pair_renew(p);
			return 1;
		}
		r = answer_flow_pass(a, &p->out, close_after, q->route->billed, p->relay->arena, f);
		went |= got > 0 || r > 0;
	} while (r >= 0 && got + r > 0 && !a->ended);
	return r < 0 ? -1 : went;
}

static bool step_exchange(struct pair *p)
{
	struct failure f = { .code = FAIL_NONE };
	struct request_flow *q = &p->request;
	struct answer_flow *a = &p->answer;
	bool went = false;
	int r;

	r = pair_take_body(p, &f);
	if (r < 0) {
		pair_refuse_body(p, &f);
		return true;
	}
	went |= r > 0;
	if (!q->ended && !a->ended && buffer_waiting(&p->in) == 0)
		went |= pair_fill(p);
	if (p->state == PAIR_OVER)
		return false;
	went |= request_flow_send(q, p->up) > 0;
	if (q->ended && q->head_sent && buffer_waiting(&q->out) == 0)
		request_flow_end(q, p->relay->arena);
	r = pair_pass_answer(p, &f);
	if (r < 0) {
		pair_fail_exchange(p, &f);
		return true;
	}
	went |= r > 0;
	if (p->state != PAIR_EXCHANGE)
		return true;
	if (a->head_read && !kept_request_waits(&p->kept))
		kept_request_end(&p->kept);
	went |= pair_flush(p);
	if (p->state == PAIR_OVER)
		return false;
	if (a->ended && buffer_waiting(&p->out) == 0) {
		pair_finish_exchange(p);
		return true;
	}
	return went;
}

/* ---- events ---- */

static bool pair_step(struct pair *p)
{
	switch (p->state) {
	case PAIR_HEAD:
		return step_head(p);
	case PAIR_CONNECT:
		return step_connect(p);
	case PAIR_EXCHANGE:
		return step_exchange(p);
	case PAIR_FAREWELL:
		return step_farewell(p);
	case PAIR_VALUE:
	case PAIR_RESERVE:
	case PAIR_RENEW:
	case PAIR_OVER:
		break;
	}
	return false;
}

static void pair_go_on(struct pair *p)
{
	unsigned i;

	for (i = 0; i < STEPS_MAX; i++)
		if (!pair_step(p))
			break;
	p->again = i == STEPS_MAX && p->state != PAIR_OVER;
}

static short pair_client_events(const struct pair *p)
{
	short out = buffer_waiting(&p->out) ? POLLOUT : 0;

	if (p->state == PAIR_HEAD || p->state == PAIR_FAREWELL)
		return (short)(out | POLLIN);
	if (p->state == PAIR_EXCHANGE && !p->request.ended && !p->answer.ended &&
	    buffer_waiting(&p->in) == 0)
		return (short)(out | POLLIN);
	return out;
}

static short pair_upstream_events(const struct pair *p)
{
	short events = 0;

	if (!p->up)
		return 0;
	if (p->state == PAIR_HEAD)
		return POLLIN;
	if (p->state != PAIR_EXCHANGE)
		return 0;
	if (buffer_room(&p->answer.in) && !p->answer.hung_up && !p->answer.broken)
		events |= POLLIN;
	if (buffer_waiting(&p->request.out) && !p->request.broken)
		events |= POLLOUT;
	return events;
}

void pair_poll(struct pair *p, struct pollfd fds[2], int *timeout)
{
	short events = pair_upstream_events(p);
	int64_t left;

	fds[0] = (struct pollfd){ .fd = p->fd, .events = pair_client_events(p) };
	/* Not for nothing: poll(2) reports a hang-up whether it was asked for or not. */
	fds[1] = (struct pollfd){ .fd = events ? upstream_fd(p->up) : -1, .events = events };
	if (p->again)
		*timeout = 0;
	if (p->state == PAIR_FAREWELL && p->shut) {
		left = p->linger_until - clock_now_ms();
		if (left < 0)
			left = 0;
		if (*timeout < 0 || left < *timeout)
			*timeout = (int)left;
	}
}

void pair_run(struct pair *p, const struct pollfd fds[2])
{
	bool connecting = p->state == PAIR_CONNECT && upstream_state(p->up) != UPSTREAM_CONNECTING;
	bool lingering = p->state == PAIR_FAREWELL && p->shut;

	if ((fds[0].revents & (POLLHUP | POLLERR)) && p->state != PAIR_HEAD &&
	    p->state != PAIR_FAREWELL) {
		pair_end(p, true);
		return;
	}
	p->idle_event = p->state == PAIR_HEAD && fds[1].revents;
	if (fds[0].revents || fds[1].revents || p->again || connecting || lingering)
		pair_go_on(p);
}

/* ---- the broker's words ---- */

void pair_take_key(struct pair *p)
{
	if (p->state == PAIR_VALUE)
		pair_reserve(p);
	else if (p->state == PAIR_RENEW)
		pair_send_again(p);
	else
		return;
	pair_go_on(p);
}

/* Will it be another time, without anybody's changing what is sealed? */
static bool failure_passes(enum fail_code code)
{
	return code == FAIL_LOCKED || code == FAIL_NO_VALUE || code == FAIL_BUSY ||
	       code == FAIL_TIMEOUT || code == FAIL_SOURCE || code == FAIL_NO_MEMORY;
}

void pair_refuse_key(struct pair *p, const struct failure *why)
{
	char words[API_ERROR_TEXT_MAX];

	if (p->state != PAIR_VALUE && p->state != PAIR_RENEW)
		return;
	snprintf(words, sizeof(words), why->hint[0] ? "%s (hint: %s)" : "%s", why->what, why->hint);
	/* claude 2.1.330 tries a 503 ten times in three minutes and then shows the words; a
	   529, or the type overloaded_error, thrice in two seconds, and shows its own. */
	if (p->state == PAIR_RENEW && why->code == FAIL_NO_VALUE)
		p->state = PAIR_EXCHANGE; /* the provider's own words */
	else if (p->state == PAIR_RENEW)
		pair_answer(p, 401, API_AUTHENTICATION, words);
	else if (key_is_whole(&p->relay->key))
		pair_reserve(p);
	else if (failure_passes(why->code))
		pair_answer(p, 503, API_ERROR, words);
	else
		pair_answer(p, 403, API_PERMISSION, words);
	pair_go_on(p);
}

bool pair_take_reservation(struct pair *p, const struct channel_message *m)
{
	char words[API_ERROR_TEXT_MAX];
	const struct api_error e = { 429, API_RATE_LIMIT, words, m->retry, true };

	if (p->state != PAIR_RESERVE || p->id != m->id)
		return false;
	if (m->op == CHANNEL_RESERVED) {
		pair_connect(p);
	} else {
		snprintf(words, sizeof(words), "ccrun: %s", m->words.what);
		pair_say(p, &e);
	}
	pair_go_on(p);
	return true;
}

void pair_wipe(struct pair *p)
{
	if (p->state == PAIR_HEAD)
		pair_close_upstream(p);
	else if (p->state != PAIR_VALUE && p->state != PAIR_FAREWELL)
		pair_end(p, true);
}
