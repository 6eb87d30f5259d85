/*
 * relay/pair_request.c - from a request's head to its leave to go out.
 */
#include "relay/pair_request.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "relay/pair_client.h"
#include "relay/pair_end.h"
#include "relay/pair_exchange.h"
#include "relay/pair_state.h"
#include "relay/upstream.h"

void pair_reserve(struct pair *p)
{
	struct relay *r = p->relay;
	const struct http_request *q = &p->request.reader.request;

	p->reserved = r->limited && p->request.route->billed;
	p->told = 0;
	if (!p->reserved) {
		pair_connect(p);
		return;
	}
	/* Without its model nobody can say what it may cost. */
	if (!request_flow_find_model(&p->request, &p->in)) {
		p->state = PAIR_MODEL;
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

static void pair_ask_leave(struct pair *p)
{
	struct relay *r = p->relay;

	if (r->ended)
		pair_answer(p, API_REFUSED, API_INVALID_REQUEST, r->why_ended.what);
	else if (key_is_whole(&r->key) && (r->key_until == 0 || clock_now_ms() < r->key_until))
		pair_reserve(p);
	else
		pair_ask_key(p);
}

static void pair_begin_request(struct pair *p)
{
	(void)request_flow_find_model(&p->request, &p->in);
	p->id = ++p->relay->last_id;
	pair_ask_leave(p);
}

bool pair_step_model(struct pair *p)
{
	if (!request_flow_find_model(&p->request, &p->in))
		return pair_fill(p);
	/* The key may have expired meanwhile. */
	pair_ask_leave(p);
	return true;
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

bool pair_step_head(struct pair *p)
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
