/*
 * relay/pair.c - one connection of the client with one to the provider: its life, its
 * events, and what the broker says meanwhile.
 */
#include "relay/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sock.h"
#include "relay/deadline.h"
#include "relay/pair_client.h"
#include "relay/pair_end.h"
#include "relay/pair_exchange.h"
#include "relay/pair_request.h"
#include "relay/pair_state.h"
#include "relay/settings.h"
#include "relay/upstream.h"
#include "wire/trial.h"

#define HEAD_MS 15000 /* from a head's first byte to its last; the client writes it at once */
#define STEPS_MAX 32  /* of one pair, before others have their turn */

struct pair *pair_accept(struct relay *r)
{
	int fd = sock_accept(r->settings->listener);
	char *in, *out;
	struct pair *p;

	if (fd < 0)
		return NULL;
	p = calloc(1, sizeof(*p));
	in = malloc(HTTP_HEAD_MAX);
	out = malloc(ANSWER_OUT_SIZE);
	if (!p || !in || !out) {
		free(p);
		free(in);
		free(out);
		sock_close(fd);
		return NULL;
	}
	p->in = (struct buffer){ .p = in, .size = HTTP_HEAD_MAX };
	p->out = (struct buffer){ .p = out, .size = ANSWER_OUT_SIZE };
	p->relay = r;
	p->fd = fd;
	request_flow_init(&p->request);
	return p;
}

bool pair_is_over(const struct pair *p)
{
	return p->state == PAIR_OVER;
}

void pair_free(struct pair *p)
{
	pair_end(p, true);
	free(p->in.p);
	free(p->out.p);
	free(p);
}

/* ---- events ---- */

static bool pair_step(struct pair *p)
{
	switch (p->state) {
	case PAIR_HEAD:
		return pair_step_head(p);
	case PAIR_MODEL:
		return pair_step_model(p);
	case PAIR_CONNECT:
		return pair_step_connect(p);
	case PAIR_EXCHANGE:
		return pair_step_exchange(p);
	case PAIR_FAREWELL:
		return pair_step_farewell(p);
	case PAIR_VALUE:
	case PAIR_RESERVE:
	case PAIR_RENEW:
	case PAIR_OVER:
		break;
	}
	return false;
}

/* Heads that begin and never end would have all of the places for connections. */
static void pair_note_head(struct pair *p)
{
	if (p->state != PAIR_HEAD || p->in.to == 0)
		p->head_until = 0;
	else if (!p->head_until)
		p->head_until = clock_now_ms() + HEAD_MS;
}

/* Is it the client alone that can go on with the body?  The network and the provider may take
 * what they like for what has come of it. */
static bool pair_awaits_body(const struct pair *p)
{
	if (p->state == PAIR_MODEL)
		return true;
	return p->state == PAIR_EXCHANGE && !p->request.ended && !p->answer.head_read &&
	       buffer_waiting(&p->in) == 0 && buffer_waiting(&p->request.out) == 0;
}

static void pair_note_stillness(struct pair *p)
{
	if (!pair_awaits_body(p))
		p->still_since = 0;
	else if (p->moved || !p->still_since)
		p->still_since = clock_now_ms();
	p->moved = false;
}

static void pair_go_on(struct pair *p)
{
	unsigned i;

	for (i = 0; i < STEPS_MAX; i++)
		if (!pair_step(p))
			break;
	p->again = i == STEPS_MAX && p->state != PAIR_OVER;
	pair_note_head(p);
	pair_note_stillness(p);
}

static short pair_client_events(const struct pair *p)
{
	short out = buffer_waiting(&p->out) ? POLLOUT : 0;

	if (p->state == PAIR_HEAD || p->state == PAIR_MODEL || p->state == PAIR_FAREWELL)
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

	fds[0] = (struct pollfd){ .fd = p->fd, .events = pair_client_events(p) };
	/* Not for nothing: poll(2) reports a hang-up whether it was asked for or not. */
	fds[1] = (struct pollfd){ .fd = events ? upstream_fd(p->up) : -1, .events = events };
	if (p->again)
		*timeout = 0;
	if (p->state == PAIR_FAREWELL && p->shut)
		deadline_shorten(p->linger_until, timeout);
	if (p->head_until)
		deadline_shorten(p->head_until, timeout);
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
	if (p->head_until && clock_now_ms() >= p->head_until) {
		pair_answer(p, 408, API_INVALID_REQUEST,
			    "the request's head did not come to its end");
		p->again = true;
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
	const char *cause = trial_name(why->code == FAIL_LOCKED ? TRIAL_LOCKED : TRIAL_NO_KEY);
	char words[API_ERROR_TEXT_MAX];

	if (p->state != PAIR_VALUE && p->state != PAIR_RENEW)
		return;
	snprintf(words, sizeof(words), why->hint[0] ? "%s (hint: %s)" : "%s", why->what, why->hint);
	/* claude 2.1.330 tries a 503 ten times in three minutes and then shows the words; a
	   529, or the type overloaded_error, thrice in two seconds, and shows its own. */
	if (p->state == PAIR_RENEW && why->code == FAIL_NO_VALUE)
		p->state = PAIR_EXCHANGE; /* the provider's own words */
	else if (p->state == PAIR_RENEW)
		pair_answer_because(p, 401, API_AUTHENTICATION, words, cause);
	else if (key_is_whole(&p->relay->key))
		pair_reserve(p);
	else if (failure_passes(why->code))
		pair_answer_because(p, 503, API_ERROR, words, cause);
	else
		pair_answer_because(p, API_REFUSED, API_INVALID_REQUEST, words, cause);
	pair_go_on(p);
}

bool pair_take_reservation(struct pair *p, const struct channel_message *m)
{
	char words[API_ERROR_TEXT_MAX];
	const struct api_error e = { 429,      API_RATE_LIMIT, words,
				     m->retry, true,	       trial_name(TRIAL_LIMIT) };

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
