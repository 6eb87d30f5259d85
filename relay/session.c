/*
 * relay/session.c - the loop of one session.
 */
#include "relay/session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/fail.h"
#include "base/sock.h"
#include "relay/errand.h"
#include "relay/pair.h"
#include "relay/pair_places.h"
#include "relay/settings.h"
#include "relay/upstream.h"
#include "relay/usage_meter.h"

#define ASK_AGAIN_MS 15000 /* for a key that was to be had anew, and was not */
#define PER_PAIR 2
#define SESSION_POLL 0
#define CHANNEL_POLL 1
#define LISTENER_POLL 2
#define ERRAND_POLL 3
#define FIXED_POLLS 4
#define BROKER_END_MS 2000

static struct errand errand;
static struct pollfd polls[FIXED_POLLS + PAIRS_MAX * PER_PAIR + UPSTREAM_POLLS_MAX];

static void session_drop_ended(struct relay *r)
{
	size_t i, kept = 0;

	for (i = 0; i < r->pair_count; i++) {
		if (pair_is_over(r->pairs[i]))
			pair_free(r->pairs[i]);
		else
			r->pairs[kept++] = r->pairs[i];
	}
	r->pair_count = kept;
}

/* ---- the broker's words ---- */

/* The key first: closing connections may take longer. */
static void session_wipe_key(struct relay *r)
{
	size_t i;

	key_wipe(&r->key);
	errand_wipe(&errand, r);
	for (i = 0; i < r->pair_count; i++)
		pair_wipe(r->pairs[i]);
}

/* The first of the secrets that ends, ends the key. */
static void session_note_expiry(struct relay *r, const struct channel_message *m)
{
	int64_t until = clock_now_ms() + (int64_t)m->expires_seconds * 1000;

	if (m->index == 0)
		r->key_until = 0;
	if (m->expires && (r->key_until == 0 || until < r->key_until))
		r->key_until = until;
}

static int session_take_value(struct relay *r, const struct channel_message *m)
{
	struct failure f = { .code = FAIL_NONE };
	size_t i;

	if (!r->asked)
		return -1;
	if (key_take(&r->key, m->index, m->count, m->token, m->token_n, &f) != 0) {
		r->asked = false;
		session_wipe_key(r);
		relay_channel_note_failure(&r->channel, f.what);
		for (i = 0; i < r->pair_count; i++)
			pair_refuse_key(r->pairs[i], &f);
		return 0;
	}
	session_note_expiry(r, m);
	if (m->index + 1 < m->count)
		return 0;
	r->asked = false;
	r->limited = m->limited;
	for (i = 0; i < r->pair_count; i++)
		pair_take_key(r->pairs[i]);
	return 0;
}

/* May the key that is there be used on, when no new one can be had? */
static bool key_outlives(enum fail_code code)
{
	return code == FAIL_NO_VALUE || code == FAIL_SOURCE;
}

static int session_take_no_value(struct relay *r, const struct channel_message *m)
{
	size_t i;

	if (!r->asked)
		return -1;
	r->asked = false;
	if (!key_outlives(m->words.code))
		session_wipe_key(r);
	if (r->key_until)
		r->key_until = clock_now_ms() + ASK_AGAIN_MS;
	for (i = 0; i < r->pair_count; i++)
		pair_refuse_key(r->pairs[i], &m->words);
	return 0;
}

static void session_wipe(struct relay *r, const struct channel_message *m)
{
	size_t i;

	if (control_active(CONTROL_RELAY_WIPE))
		session_wipe_key(r);
	if (!m->ended)
		return;
	r->ended = true;
	r->why_ended = m->words;
	r->why_ended.code = FAIL_POLICY;
	for (i = 0; i < r->pair_count; i++)
		pair_refuse_key(r->pairs[i], &r->why_ended);
}

static void session_take_reservation(struct relay *r, const struct channel_message *m)
{
	static const struct meter_result nothing;
	const struct channel_use unsent = { .id = m->id, .model = "", .result = &nothing };
	size_t i;

	for (i = 0; i < r->pair_count; i++)
		if (pair_take_reservation(r->pairs[i], m))
			return;
	/* The client has gone meanwhile: what was reserved is given back. */
	if (m->op == CHANNEL_RESERVED && relay_channel_report_use(&r->channel, &unsent) != 0)
		r->hung_up = true;
}

static int session_take_message(struct relay *r, const struct channel_message *m, struct failure *f)
{
	switch (m->op) {
	case CHANNEL_VALUE:
		if (session_take_value(r, m) != 0)
			return fail_set(f, FAIL_BAD_VALUE, NULL, "a key that nobody asked for");
		return 0;
	case CHANNEL_NO_VALUE:
		if (session_take_no_value(r, m) != 0)
			return fail_set(f, FAIL_BAD_VALUE, NULL, "an answer that nobody asked for");
		return 0;
	case CHANNEL_WIPE:
		session_wipe(r, m);
		return 0;
	case CHANNEL_RESERVED:
	case CHANNEL_REFUSED:
		session_take_reservation(r, m);
		return 0;
	case CHANNEL_FETCH:
		errand_begin(&errand, r, m);
		return 0;
	case CHANNEL_FILE:
	case CHANNEL_START:
		break;
	}
	return fail_set(f, FAIL_BAD_VALUE, NULL, "the broker begins twice");
}

/* Returns 1: go on; 0: the channel has ended; -1 with f set. */
static int session_hear_broker(struct relay *r, struct failure *f)
{
	struct channel_message m;
	int got, taken;

	while ((got = relay_channel_receive(&r->channel, &m, f)) > 0) {
		taken = session_take_message(r, &m, f);
		relay_channel_forget(&r->channel, &m);
		if (taken != 0)
			return -1;
	}
	if (got == 0)
		return 1;
	return f->code == FAIL_NONE ? 0 : -1;
}

/* ---- without the broker ---- */

/* Its process ends soon after its end of the channel, if that is why. */
static bool broker_has_ended(const struct relay *r)
{
	struct pollfd broker = { .fd = r->settings->broker, .events = POLLIN };

	return broker.fd >= 0 && poll(&broker, 1, BROKER_END_MS) > 0;
}

/*
 * The channel has ended.  If the broker has, nobody starts another relay, and a client
 * that nobody listens to tries again for minutes: tell it, for as long as it lives.
 * Returns whether to go on.
 */
static bool session_outlive_broker(struct relay *r)
{
	size_t i;

	key_wipe(&r->key);
	errand_end(&errand, r);
	for (i = 0; i < r->pair_count; i++)
		pair_wipe(r->pairs[i]);
	if (!broker_has_ended(r))
		return false;
	r->orphaned = r->ended = true;
	fail_set(&r->why_ended, FAIL_POLICY, NULL,
		 "the broker has ended, and the key with it "
		 "(hint: leave claude, and start it again with --resume)");
	for (i = 0; i < r->pair_count; i++)
		pair_refuse_key(r->pairs[i], &r->why_ended);
	return true;
}

/* ---- the loop ---- */

static bool session_is_full(const struct relay *r)
{
	return r->pair_count >= PAIRS_MAX || r->pair_count >= r->most_pairs;
}

/* The client may keep more connections than there is memory for. */
static void session_accept(struct relay *r)
{
	struct pair *p;

	if (session_is_full(r) && pair_places_make(r))
		session_drop_ended(r);
	while (!session_is_full(r) && (p = pair_accept(r)) != NULL)
		r->pairs[r->pair_count++] = p;
}

/* Returns how many there are. */
static size_t session_fill_polls(struct relay *r, int *timeout)
{
	size_t i, n = FIXED_POLLS;

	*timeout = -1;
	polls[SESSION_POLL] = (struct pollfd){ .fd = r->settings->session, .events = POLLIN };
	polls[CHANNEL_POLL] = (struct pollfd){
		.fd = r->orphaned ? -1 : RELAY_CHANNEL_FD,
		.events = POLLIN,
	};
	polls[LISTENER_POLL] = (struct pollfd){ .fd = r->settings->listener, .events = POLLIN };
	if (session_is_full(r) && !pair_places_may_make(r, timeout))
		polls[LISTENER_POLL].fd = -1;
	errand_poll(&errand, &polls[ERRAND_POLL], timeout);
	for (i = 0; i < r->pair_count; i++, n += PER_PAIR)
		pair_poll(r->pairs[i], polls + n, timeout);
	return n + upstreams_poll(r->upstreams, polls + n, UPSTREAM_POLLS_MAX, timeout);
}

/* One turn.  As session_hear_broker. */
static int session_turn(struct relay *r, struct failure *f)
{
	size_t i, had, at, n;
	int timeout, heard;

	n = session_fill_polls(r, &timeout);
	/* The last turn could not write to the broker: who waits for it is told now. */
	if (r->hung_up && !r->orphaned)
		timeout = 0;
	if (poll(polls, n, timeout) < 0)
		return errno == EINTR ? 1 : fail_errno(f, NULL, "wait");
	if (polls[SESSION_POLL].revents)
		return 0;
	/* A wipe comes before everything that the key could still be used for. */
	heard = polls[CHANNEL_POLL].revents ? session_hear_broker(r, f) : 1;
	if (heard < 0)
		return heard;
	if (!r->orphaned && (heard == 0 || r->hung_up) && !session_outlive_broker(r))
		return 0;
	had = r->pair_count;
	at = FIXED_POLLS + had * PER_PAIR;
	upstreams_run(r->upstreams, polls + at, n - at);
	for (i = 0; i < had; i++)
		pair_run(r->pairs[i], polls + FIXED_POLLS + i * PER_PAIR);
	errand_run(&errand, r, &polls[ERRAND_POLL]);
	session_drop_ended(r);
	if (polls[LISTENER_POLL].revents)
		session_accept(r);
	return 1;
}

int session_run(struct relay *r, struct failure *f)
{
	int going;

	/* MUST: the session has the listening socket too, and passes what it likes: a wipe must
	   not wait for either. */
	sock_limit_waits();
	do
		going = session_turn(r, f);
	while (going > 0);
	key_wipe(&r->key);
	errand_end(&errand, r);
	while (r->pair_count)
		pair_free(r->pairs[--r->pair_count]);
	return going;
}
