/*
 * broker/connection.c - receiving one packet and answering it.
 */
#include "broker/connection.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/claim.h"
#include "broker/dispatch.h"
#include "broker/stage.h"
#include "broker/tenants.h"
#include "wire/message.h"

static void answer_failure(int fd, const struct failure *f)
{
	struct wire_out *o = wire_error(f);

	/* Whoever does not read its answers loses them. */
	wire_send(fd, o, -1);
	wire_out_free(o);
}

/*
 * Close so that the last answer is read: a peer whose packets lie unread when
 * its connection is closed gets ECONNRESET first.
 */
static void hang_up(int fd)
{
	char unread[1];
	ssize_t n;

	shutdown(fd, SHUT_RD);
	do
		n = sock_recv(fd, unread, sizeof(unread), MSG_DONTWAIT, NULL);
	while (n > 0 || (n < 0 && errno == EMSGSIZE));
	io_wipe(unread, sizeof(unread));
	close(fd);
}

int connection_take(struct broker *b, struct connection *c, int fd)
{
	struct failure f = { 0 };

	memset(c, 0, sizeof(*c));
	c->fd = -1;
	if (peer_take(&c->peer, fd, &f) != 0)
		goto refuse;
	c->tenant = tenants_get(b, c->peer.uid, &f);
	if (!c->tenant)
		goto refuse;
	/* Who opens a session is not marked yet: who comes marked is a nested one,
	 * or a nuisance that must not keep its person out. */
	c->marked = peer_marked(&c->peer, &f) != 0;
	if (c->marked && c->tenant->marked >= b->places_marked) {
		fail_set(&f, FAIL_BUSY, "end some of them", "%u processes inside sessions are connected already",
			 b->places_marked);
		goto refuse;
	}
	if (c->tenant->connections >= b->places_uid) {
		fail_set(&f, FAIL_BUSY, "end a session and try again",
			 "uid %u has %u connections already", (unsigned)c->peer.uid, b->places_uid);
		goto refuse;
	}
	c->tenant->connections++;
	c->tenant->marked += c->marked;
	c->fd = fd;
	c->deadline = io_now_ms() + IDLE_DEADLINE_MS;
	return 0;
refuse:
	answer_failure(fd, &f);
	peer_release(&c->peer);
	hang_up(fd);
	return -1;
}

void connection_drop(struct broker *b, struct connection *c)
{
	struct record_event e = { .event = "end", .result = "done", .pid = c->peer.pid,
				  .provider = c->session.provider, .session = c->session.id };

	if (c->fd < 0)
		return;
	if (c->session.state == SESSION_LIVE)
		c->tenant->sessions--;
	else if (!c->session.resumed)
		e.why = "its secrets were not claimed";
	if (c->session.state != SESSION_NONE)
		record_write(&c->tenant->record, &e, NULL);
	hang_up(c->fd);
	peer_release(&c->peer);
	stage_drop(c);
	if (c->watcher)
		c->tenant->watched = false;
	if (c->usage)
		usage_leave(c->usage, c->fetching);
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
	/* The library reads no msgpack; it sees the connection end. */
	if (c->session.state == SESSION_NONE)
		answer_failure(c->fd, &f);
	connection_drop(b, c);
}

/*
 * SO_PEERCRED is whoever connected, for ever: an inherited or passed socket
 * keeps it.  So each message must come from that process itself.
 */
static int check_sender(const struct connection *c, const struct sock_control *b, struct failure *f)
{
	if (!b->have_sender || b->pid != c->peer.pid || b->uid != c->peer.uid)
		return fail_set(f, FAIL_PEER, "connect yourself",
				"this message was not sent by the process that connected");
	return 0;
}

static void record_stranger(struct connection *c, const struct sock_control *b,
			    const struct failure *f)
{
	struct record_event e = { .event = "message", .result = fail_name(f->code), .why = f->what,
				  .provider = c->session.provider, .session = c->session.id,
				  .pid = b->have_sender ? b->pid : 0 };

	record_write(&c->tenant->record, &e, NULL);
}

/*
 * Where the kernel only knows a number, the process that connected may have
 * ended with its messages queued, and the number be another's.  What is sent
 * after we looked comes with that number only from who has it: so the first
 * message stands alone, and is trusted with nothing (dispatch: `first`).
 */
static int first_words(struct connection *c, struct failure *f)
{
	char more;

	c->first = !c->peer.exact && !c->spoken;
	c->spoken = true;
	if (!c->first || (recv(c->fd, &more, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN))
		return 0;
	return fail_set(f, FAIL_PEER, "wait for each answer", "the first message was not the only one");
}

void connection_serve(struct broker *b, struct connection *c)
{
	struct failure f = { 0 };
	struct sock_control beside;
	ssize_t n;

	n = sock_recv(c->fd, b->packet, WIRE_PACKET_MAX, MSG_DONTWAIT, &beside);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n < 0 && errno == EMSGSIZE) {
		io_wipe(b->packet, WIRE_PACKET_MAX);
		fail_set(&f, FAIL_TOO_LARGE, NULL, "packet of more than %d bytes", WIRE_PACKET_MAX);
		answer_failure(c->fd, &f);
	}
	/* An empty packet has a sender, the end of the connection has none. */
	if (n < 0 || (n == 0 && (!beside.have_sender || beside.pid == 0))) {
		c->closing = true;
		goto out;
	}
	if (check_sender(c, &beside, &f) != 0) {
		/* A child of the session may hold its socket for a moment; that
		 * must not cost the session its life, so it is only refused. */
		record_stranger(c, &beside, &f);
		answer_failure(c->fd, &f);
		c->closing = c->session.state == SESSION_NONE;
		goto out;
	}
	if (first_words(c, &f) != 0) {
		answer_failure(c->fd, &f);
		c->closing = true;
		goto out;
	}
	/* After a sleep without a watcher a request may come before the sweep. */
	tenant_tick(c->tenant, io_now_ms());
	if (claim_is(b->packet, (size_t)n))
		claim_serve(b, c, (size_t)n, &beside);
	else
		dispatch(b, c, (size_t)n);
out:
	sock_control_close(&beside);
	if (n > 0)
		io_wipe(b->packet, (size_t)n);
}
