/*
 * broker/connection.c - accept a client, receive one packet, answer it.
 */
#include "broker/connection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/claim.h"
#include "broker/dispatch.h"
#include "broker/file_transfer.h"
#include "broker/places.h"
#include "broker/quota_fetch.h"
#include "broker/relay.h"
#include "broker/relay_channel.h"
#include "broker/relay_metering.h"
#include "broker/tenant_lock.h"
#include "broker/tenants.h"
#include "broker/ticket.h"
#include "wire/pack.h"

/*
 * MUST: what may be a connection's first answer says whether there is a vault here.  Whoever runs
 * as the user can take places, and keep others from being served; a client that went on to a
 * broker of the user's then would give its vault's key to that.
 */
static void send_failure(const struct broker *b, uid_t uid, int fd, const struct failure *f)
{
	struct wire_out *o = wire_error(f);

	if (b->system)
		wire_put_bool(o, "has_vault", tenants_has_vault(b, uid));
	/* Never block on a client that does not read: its answer is lost then. */
	wire_send(fd, o, -1);
	wire_out_free(o);
}

/*
 * Close so that the client can still read the last answer.  If packets from it lay
 * unread at the close, it would get ECONNRESET instead.
 */
static void close_after_answer(int fd)
{
	char unread[1];
	ssize_t n;

	shutdown(fd, SHUT_RD);
	do
		n = sock_recv_no_fds(fd, unread, sizeof(unread), MSG_DONTWAIT, NULL);
	while (n > 0 || (n < 0 && errno == EMSGSIZE));
	io_wipe(unread, sizeof(unread));
	sock_close(fd);
}

/* For a newcomer of t, which is inside a session or is not: 0, or -1. */
static int take_silent_place(struct broker *b, const struct tenant *t, bool marked)
{
	struct connection *silent = places_find_silent(b, t, marked);
	struct failure f;

	if (!silent)
		return -1;
	/* As after its deadline: who waits in the background connects again then. */
	fail_set(&f, FAIL_TIMEOUT, "connect again",
		 "another client needed the place, and this one was silent for longest");
	send_failure(b, silent->peer.uid, silent->fd, &f);
	connection_drop(b, silent);
	return 0;
}

/*
 * Is there room for one connection more of t, which is inside a session or not?  If need be
 * that of others.  MUST: what is inside a session takes nobody's place that is outside.
 */
static int make_room(struct broker *b, const struct tenant *t, bool marked, struct failure *f)
{
	bool fair = control_active(CONTROL_SESSION_PLACES);

	/* A loop: for a moment a relay's channel may have been one too many. */
	while (places_check_descriptors(b, t, PLACE_FDS, f) != 0)
		if (take_silent_place(b, t, marked) != 0)
			return -1;
	while (fair && marked && t->marked >= b->places_marked)
		if (take_silent_place(b, t, true) != 0)
			return fail_set(f, FAIL_BUSY, "end some of them",
					"%u processes inside sessions are connected already",
					b->places_marked);
	while (t->connections >= b->places_uid)
		if (!fair || take_silent_place(b, t, marked) != 0)
			return fail_set(f, FAIL_BUSY, "end a session and try again",
					"uid %u has %u connections already", (unsigned)t->uid,
					b->places_uid);
	return 0;
}

int connection_accept(struct broker *b, struct connection *c, int fd)
{
	struct failure f = { 0 };

	memset(c, 0, sizeof(*c));
	c->fd = -1;
	if (peer_identify(&c->peer, fd, &f) != 0)
		goto refuse;
	c->tenant = tenants_get(b, c->peer.uid, &f);
	if (!c->tenant)
		goto refuse;
	/* Processes inside a session may take only some of their user's places: a session
	 * that connects in a loop must not lock the user out.  An unreadable mark counts. */
	if (peer_read_mark(&c->peer, &c->marked, &f) != 0)
		c->marked = true;
	if (make_room(b, c->tenant, c->marked, &f) != 0)
		goto refuse;
	c->tenant->connections++;
	c->tenant->marked += c->marked;
	c->fd = fd;
	c->deadline = clock_now_ms() + IDLE_DEADLINE_MS;
	return 0;
refuse:
	send_failure(b, c->peer.uid, fd, &f);
	peer_release(&c->peer);
	close_after_answer(fd);
	return -1;
}

void connection_drop(struct broker *b, struct connection *c)
{
	struct audit_event e = { .event = "end",
				 .result = "done",
				 .pid = c->peer.pid,
				 .provider = c->session.provider,
				 .session = c->session.id };
	char why[96];
	unsigned n;

	if (c->fd < 0)
		return;
	if (c->relay) {
		e.sums = &c->relay->sums;
		n = relay_count_interrupted(c);
		if (n > 0) {
			snprintf(why, sizeof(why), "its relay ended in %u %s, counted by estimate",
				 n, n == 1 ? "request" : "requests");
			e.why = why;
		}
	}
	if (c->session.state == SESSION_LIVE)
		c->tenant->sessions--;
	else if (!c->session.resumed)
		e.why = "its secrets were not claimed";
	if (c->session.state != SESSION_NONE) {
		c->tenant->opened--;
		ticket_session_ended(c->tenant, &c->session, clock_now_ms());
		audit_write(&c->tenant->audit, &e, NULL);
	}
	close_after_answer(c->fd);
	peer_release(&c->peer);
	file_transfer_drop(c);
	relay_free(c->preparing);
	relay_channel_drop(c);
	if (c->watches_all)
		b->watched = false;
	else if (c->watcher)
		c->tenant->watched = false;
	quota_fetch_forget(c);
	if (c->quota)
		quota_leave(c->quota, c->quota_fetching);
	c->tenant->connections--;
	c->tenant->marked -= c->marked;
	b->connections--;
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

void connection_expire(struct broker *b, struct connection *c)
{
	struct failure f;

	fail_set(&f, FAIL_TIMEOUT, "connect again", "nothing came within the deadline");
	/* The preloaded library cannot read msgpack; it sees the end of the connection. */
	if (c->session.state == SESSION_NONE)
		send_failure(b, c->peer.uid, c->fd, &f);
	connection_drop(b, c);
}

/*
 * SO_PEERCRED names the process that connected, also after the socket was inherited
 * or passed on.  So each message must have been sent by that process (SCM_CREDENTIALS).
 */
static int check_sender(const struct connection *c, const struct sock_control *b, struct failure *f)
{
	if (control_active(CONTROL_MESSAGE_SENDER) &&
	    (!b->have_sender || b->pid != c->peer.pid || b->uid != c->peer.uid))
		return fail_set(f, FAIL_PEER, "connect yourself",
				"this message was not sent by the process that connected");
	return 0;
}

static void audit_stranger(struct connection *c, const struct sock_control *b,
			   const struct failure *f)
{
	struct audit_event e = { .event = "message",
				 .result = fail_name(f->code),
				 .why = f->what,
				 .provider = c->session.provider,
				 .session = c->session.id,
				 .pid = b->have_sender ? b->pid : 0 };

	audit_write(&c->tenant->audit, &e, NULL);
}

/*
 * Without SO_PEERPIDFD (before Linux 6.5) the process that connected may have ended
 * with messages queued, and its pid may have been reused before peer_identify looked
 * at it.  Messages sent after that look can only come from the process that was seen.
 * So the first message is trusted with nothing (c->unverified, dispatch.c) and must
 * be the only one: then all others were sent after the look.
 */
static int check_first_message(struct connection *c, struct failure *f)
{
	char next;

	c->unverified = !c->peer.exact && !c->has_spoken;
	c->has_spoken = true;
	if (!c->unverified ||
	    (recv(c->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN))
		return 0;
	return fail_set(f, FAIL_PEER, "wait for each answer",
			"more was sent before the first answer");
}

void connection_serve(struct broker *b, struct connection *c)
{
	struct failure f = { 0 };
	struct sock_control beside;
	ssize_t n;

	if (c->relay) {
		relay_channel_serve(b, c);
		return;
	}
	n = (c->session.state == SESSION_NONE
		     ? sock_recv_no_fds
		     : sock_recv)(c->fd, b->packet, WIRE_PACKET_MAX, MSG_DONTWAIT, &beside);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n < 0 && errno == EMSGSIZE) {
		io_wipe(b->packet, WIRE_PACKET_MAX);
		fail_set(&f, FAIL_TOO_LARGE, NULL, "packet of more than %d bytes", WIRE_PACKET_MAX);
		send_failure(b, c->peer.uid, c->fd, &f);
	}
	/* Both have length 0, but an empty packet has a sender and the end has none. */
	if (n < 0 || (n == 0 && (!beside.have_sender || beside.pid == 0))) {
		c->closing = true;
		goto out;
	}
	if (check_sender(c, &beside, &f) != 0) {
		/* A child of the session inherits its socket until it execs.  Refuse its
		 * message, but let the session live. */
		audit_stranger(c, &beside, &f);
		send_failure(b, c->peer.uid, c->fd, &f);
		c->closing = c->session.state == SESSION_NONE;
		goto out;
	}
	if (check_first_message(c, &f) != 0) {
		send_failure(b, c->peer.uid, c->fd, &f);
		c->closing = true;
		goto out;
	}
	/* After a suspend a request may come before the sweep has locked what is due. */
	tenant_apply_timeouts(c->tenant, clock_now_ms());
	if (claim_is_fixed_message(b->packet, (size_t)n))
		claim_serve(b, c, (size_t)n, &beside);
	else
		dispatch_packet(b, c, (size_t)n, &beside);
out:
	sock_control_close(&beside);
	if (n > 0)
		io_wipe(b->packet, (size_t)n);
}
