/*
 * relay/pair_exchange.c - a request goes to the provider, its answer comes back.
 */
#include "relay/pair_exchange.h"

#include <stdio.h>
#include <string.h>

#include "relay/pair_client.h"
#include "relay/pair_end.h"
#include "relay/pair_places.h"
#include "relay/pair_state.h"
#include "relay/settings.h"
#include "relay/upstream.h"

/* Where the request comes from: the client, or what was kept of it. */
static struct buffer *pair_source(struct pair *p)
{
	return kept_request_waits(&p->kept) ? &p->kept.b : &p->in;
}

static int pair_begin_flows(struct pair *p, struct failure *f)
{
	struct relay *r = p->relay;

	if (answer_flow_begin(&p->answer, p->held->set, r->arena, f) != 0)
		return -1;
	if (request_flow_begin(&p->request, pair_source(p), &r->settings->provider, &r->key,
			       r->arena, f) == 0)
		return 0;
	answer_flow_end(&p->answer, r->arena);
	return -1;
}

static void pair_exchange(struct pair *p)
{
	struct relay *r = p->relay;
	struct failure f = { .code = FAIL_NONE };

	int begun;

	p->held = key_hold(&r->key);
	p->key_number = r->key.number;
	p->request.counted = p->reserved;
	p->kept.on = r->settings->renewable && !p->kept.replaying;
	kept_request_add(&p->kept, p->in.p, p->request.reader.request.head_size);
	do
		begun = pair_begin_flows(p, &f);
	while (begun != 0 && f.code == FAIL_NO_MEMORY && pair_places_free_memory(r));
	if (begun == 0) {
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

void pair_connect(struct pair *p)
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

bool pair_step_connect(struct pair *p)
{
	char words[API_ERROR_TEXT_MAX];
	enum upstream_state state = upstream_state(p->up);
	const char *cause;

	if (state == UPSTREAM_CONNECTING)
		return false;
	if (state == UPSTREAM_CONNECTED) {
		pair_exchange(p);
		return true;
	}
	snprintf(words, sizeof(words), "%s", upstream_words(p->up));
	cause = trial_name(upstream_cause(p->up));
	relay_channel_note_failure(&p->relay->channel, words);
	if (state == UPSTREAM_UNTRUSTED)
		pair_answer_because(p, 400, API_INVALID_REQUEST, words, cause);
	else
		pair_answer_because(p, state == UPSTREAM_SLOW ? 504 : 502, API_ERROR, words, cause);
	return true;
}

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
		pair_answer_because(p, 502, API_ERROR, words, trial_name(TRIAL_BROKEN_ANSWER));
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

void pair_send_again(struct pair *p)
{
	const struct request_route *route = p->request.route;
	const struct api_error e = { 503, API_ERROR, "ccrun: the key was renewed: try again",
				     1,	  true,	     NULL };
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
	if (key_is_newer(&r->key, p->key_number)) {
		pair_send_again(p);
		return;
	}
	if (r->asked)
		return;
	r->asked = true;
	if (relay_channel_ask_renewal(&r->channel) != 0)
		r->hung_up = true;
}

/* Once a session, for who looks at the record: the client speaks of a log-in. */
static void pair_note_refused_key(struct pair *p)
{
	struct relay *r = p->relay;
	char words[ORIGIN_MAX_LEN + 32];

	if (r->refused || p->answer.head.status != 401)
		return;
	r->refused = true;
	snprintf(words, sizeof(words), "%s refuses the key (HTTP 401)", r->settings->host);
	relay_channel_note_failure(&r->channel, words);
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
		if (r < 0)
			return -1;
		went |= got > 0 || r > 0;
	} while (got + r > 0 && !a->ended);
	return went;
}

bool pair_step_exchange(struct pair *p)
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
	pair_announce(p);
	went |= request_flow_send(q, p->up) > 0;
	if (q->ended && buffer_waiting(&q->out) == 0)
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
	if (a->head_read)
		pair_note_refused_key(p);
	pair_announce(p);
	went |= pair_flush(p);
	if (p->state == PAIR_OVER)
		return false;
	if (a->ended && buffer_waiting(&p->out) == 0) {
		pair_finish_exchange(p);
		return true;
	}
	return went;
}
