/*
 * broker/relay_channel.c - start a relay, and hear it.
 */
#include "broker/relay_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/held.h"
#include "broker/places.h"
#include "broker/quota_fetch.h"
#include "broker/relay.h"
#include "broker/relay_keeper.h"
#include "broker/relay_metering.h"
#include "broker/relay_value.h"
#include "broker/session.h"
#include "broker/tenant.h"
#include "broker/tenant_lock.h"
#include "wire/pack.h"
#include "wire/unpack.h"

/* A relay that crashes more often in a minute is given up, and its session with it. */
#define STARTS_A_MINUTE 5
#define MINUTE_MS 60000

#define LAST_WORDS_MS 2000 /* for a relay to tell what was used, after its session's end */

#define TEXT_MAX 256 /* bytes of what a relay says for the audit log */

/* ---- starting ---- */

/* Is this one more start than limit in a minute?  It counts, either way. */
static bool one_start_too_many(unsigned *starts, int64_t *since, unsigned limit)
{
	int64_t now = clock_now_ms();

	if (*starts == 0 || now - *since > MINUTE_MS) {
		*starts = 0;
		*since = now;
	}
	return (*starts)++ >= limit;
}

/* Start a relay of t for r, whose channel is c's descriptor then, in place of the former
 * one. */
static int channel_connect(struct broker *b, struct connection *c, struct tenant *t,
			   struct relay *r, struct failure *f)
{
	int before = c->fd, fd;

	if (one_start_too_many(&r->starts, &r->first_start_ms, STARTS_A_MINUTE))
		return fail_set(f, FAIL_SYSTEM, NULL, "the relay has ended %d times in a minute",
				STARTS_A_MINUTE);
	/* Else one user could keep the machine's first process busy, and so everybody's. */
	if (t->system &&
	    one_start_too_many(&t->relay_starts, &t->relay_starts_ms, RELAY_STARTS_UID))
		return fail_set(f, FAIL_BUSY, "try again in a minute",
				"you have had %d relays started in a minute", RELAY_STARTS_UID);
	r->has_value = false;
	r->awaits[0] = '\0';
	quota_fetch_abandon(r);
	r->cut = NULL;
	fd = relay_keeper_start_relay(f);
	if (fd < 0)
		return -1;
	c->fd = r->channel = fd;
	if (places_watch(b, c) != 0) {
		fail_errno(f, NULL, "cannot watch the session's relay");
		close(fd);
		c->fd = r->channel = before;
		return -1;
	}
	/* One that has ended already is as one that ends soon: the loop hears of it. */
	if (relay_send_start(r) != 0)
		relay_cut(r, "it did not take what it starts with");
	if (before >= 0)
		close(before);
	return 0;
}

/* A place for the channel of c's session, for which c gives way: it has no use after that.
 * Those of nested ones count as marked, as their processes' own connections do, so that a
 * session cannot lock its user out. */
static struct connection *find_place(struct broker *b, const struct connection *c,
				     struct failure *f)
{
	struct connection *place = places_find_free(b);
	const struct tenant *t = c->tenant;

	if (place && t->connections <= b->places_uid &&
	    !(c->session.marked && t->marked > b->places_marked))
		return place;
	fail_set(f, FAIL_BUSY, "end a session and try again",
		 "there are too many connections for another session");
	return NULL;
}

/* The channel's peer is the session's process: for every decision about a value. */
static int peer_copy(struct peer *to, const struct peer *from, struct failure *f)
{
	*to = *from;
	/* relay.c would pass -1 on as "no descriptor". */
	if (from->pidfd < 0)
		return fail_set(f, FAIL_SYSTEM, "Linux 5.3 has them", "the kernel gives no pidfd");
	to->pidfd = fcntl(from->pidfd, F_DUPFD_CLOEXEC, 3);
	return to->pidfd >= 0 ? 0 : fail_errno(f, NULL, "cannot keep the session's process");
}

int relay_channel_start(struct broker *b, struct connection *c, struct relay *r, struct failure *f)
{
	struct connection *channel = find_place(b, c, f);
	struct tenant *t = c->tenant;

	if (!channel)
		goto bad;
	memset(channel, 0, sizeof(*channel));
	channel->fd = -1;
	if (peer_copy(&channel->peer, &c->peer, f) != 0)
		goto bad;
	channel->session = c->session;
	r->session = &channel->session;
	r->process = &channel->peer;
	r->pidfd = channel->peer.pidfd;
	held_begin(r);
	if (channel_connect(b, channel, t, r, f) != 0) {
		peer_release(&channel->peer);
		memset(channel, 0, sizeof(*channel));
		channel->fd = -1;
		goto bad;
	}
	channel->tenant = t;
	channel->relay = r;
	session_step(&channel->session, SESSION_RELAY);
	channel->marked = c->session.marked;
	t->marked += channel->marked;
	r->next = t->relays;
	t->relays = r;
	t->sessions++;
	t->connections++;
	b->connections++;
	memset(&c->session, 0, sizeof(c->session));
	return 0;
bad:
	relay_free(r);
	return -1;
}

static bool process_has_ended(const struct connection *c)
{
	struct pollfd process = { .fd = c->peer.pidfd, .events = POLLIN };

	return poll(&process, 1, 0) != 0;
}

/*
 * The relay of c has ended.  While its session's process lives, another one is started
 * in its place; else, or if it ended too often, false: c is to be dropped.
 */
static bool channel_restart(struct broker *b, struct connection *c)
{
	struct audit_event e = { .event = "relay",
				 .result = "restarted",
				 .why = c->relay->cut ? c->relay->cut : "it had ended",
				 .pid = c->peer.pid,
				 .provider = c->session.provider,
				 .session = c->session.id };
	struct failure f = { 0 };

	if (process_has_ended(c))
		return false;
	(void)relay_count_interrupted(c);
	c->relay->sums.restarts++;
	if (channel_connect(b, c, c->tenant, c->relay, &f) != 0) {
		e.result = fail_name(f.code);
		e.why = f.what;
	}
	audit_write(&c->tenant->audit, &e, NULL);
	return f.code == FAIL_NONE;
}

void relay_channel_check(struct connection *c)
{
	if (!c->relay || c->deadline || !process_has_ended(c))
		return;
	/* The end of what it hears; what it says meanwhile is still heard. */
	shutdown(c->fd, SHUT_WR);
	c->deadline = clock_now_ms() + LAST_WORDS_MS;
}

void relay_channel_drop(struct connection *c)
{
	struct relay **at;

	if (!c->relay)
		return;
	for (at = &c->tenant->relays; *at && *at != c->relay; at = &(*at)->next)
		;
	if (*at)
		*at = c->relay->next;
	quota_fetch_abandon(c->relay);
	relay_free(c->relay);
	c->relay = NULL;
}

/* ---- what the relay tells ---- */

static void audit_text(struct connection *c, struct wire_map m, const char *event,
		       const char *result)
{
	char what[TEXT_MAX];
	struct audit_event e = { .event = event,
				 .result = result,
				 .why = what,
				 .pid = c->peer.pid,
				 .provider = c->session.provider,
				 .session = c->session.id };

	if (wire_get_text(m, "what", what, sizeof(what), NULL) == 0)
		audit_write(&c->tenant->audit, &e, NULL);
}

static void serve_refusal(struct broker *b, struct connection *c, struct wire_map m)
{
	(void)b;
	c->relay->sums.refused++;
	audit_text(c, m, "request", "refused");
}

static void serve_failure(struct broker *b, struct connection *c, struct wire_map m)
{
	(void)b;
	audit_text(c, m, "provider", "failed");
}

static void serve_reserve(struct broker *b, struct connection *c, struct wire_map m)
{
	(void)b;
	relay_serve_reserve(c, m);
}

static void serve_passing(struct broker *b, struct connection *c, struct wire_map m)
{
	(void)b;
	relay_serve_passing(c, m);
}

static void serve_use(struct broker *b, struct connection *c, struct wire_map m)
{
	(void)b;
	relay_serve_use(c, m);
}

static void serve_fetched(struct broker *b, struct connection *c, struct wire_map m)
{
	(void)b;
	quota_fetch_serve(c, m);
}

static const struct {
	const char *op;
	void (*serve)(struct broker *b, struct connection *c, struct wire_map m);
} messages[] = {
	{ "value", relay_serve_value }, { "renew", relay_serve_renew },
	{ "reserve", serve_reserve },	{ "passing", serve_passing },
	{ "use", serve_use },		{ "refusal", serve_refusal },
	{ "failure", serve_failure },	{ "fetched", serve_fetched },
};

static void serve_message(struct broker *b, struct connection *c, struct wire_map m)
{
	char op[16];
	unsigned i;

	if (wire_get_text(m, "op", op, sizeof(op), NULL) == 0)
		for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
			if (strcmp(messages[i].op, op) == 0) {
				messages[i].serve(b, c, m);
				return;
			}
	relay_cut(c->relay, "it sent an unknown message");
}

static void serve_packet(struct broker *b, struct connection *c, size_t n)
{
	struct wire_in in;

	/* This may lock the vault, and cut a relay that cannot be told. */
	tenant_apply_timeouts(c->tenant, clock_now_ms());
	if (c->relay->cut)
		return;
	if (wire_parse(&in, b->packet, n, NULL) == 0) {
		serve_message(b, c, in.top);
		wire_in_free(&in);
	} else {
		relay_cut(c->relay, "it sent a malformed message");
	}
}

void relay_channel_serve(struct broker *b, struct connection *c)
{
	ssize_t n = 0;

	if (!c->relay->cut)
		n = sock_recv(c->fd, b->packet, WIRE_PACKET_MAX, MSG_DONTWAIT, NULL);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n > 0) {
		serve_packet(b, c, (size_t)n);
		io_wipe(b->packet, (size_t)n);
	}
	if (n <= 0 || c->relay->cut)
		c->closing = !channel_restart(b, c);
}
