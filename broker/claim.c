/*
 * broker/claim.c - arrived, claim, again: looking at the process that became
 * claude, and handing the secrets over.
 */
#include "broker/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/session.h"
#include "broker/witness.h"
#include "wire/claim.h"

bool claim_is(const void *packet, size_t n)
{
	return n >= 4 && memcmp(packet, CLAIM_MAGIC, 4) == 0;
}

/* Say no on the claim's channel, or on the connection where that is no good. */
static void refuse(int fd, const struct failure *f)
{
	uint8_t head[CLAIM_HEAD], len[2][2];
	size_t what = strlen(f->what), hint = strlen(f->hint);
	struct iovec iov[] = {
		{ head, sizeof(head) }, { len[0], 2 }, { (void *)(uintptr_t)f->what, what },
		{ len[1], 2 },		{ (void *)(uintptr_t)f->hint, hint },
	};

	claim_head(head, CLAIM_REFUSED, (uint32_t)(4 + what + hint));
	claim_put16(len[0], (uint16_t)what);
	claim_put16(len[1], (uint16_t)hint);
	sock_send_nonblock(fd, iov, 5);
}

_Static_assert(CLAIM_NAME_MAX == VARIABLE_MAX_LEN && CLAIM_VALUE_MAX == TOKEN_MAX,
	       "who claims refuses what a vault can hold");

static int agree(int fd)
{
	uint8_t packet[CLAIM_HEAD + 2] = { 0 };
	struct iovec iov = { packet, sizeof(packet) };

	claim_head(packet, CLAIM_OK, 2);
	return sock_send_nonblock(fd, &iov, 1);
}

static void note(struct connection *c, struct record_event *e)
{
	e->pid = c->peer.pid;
	e->provider = c->session.provider;
	e->session = c->session.id;
	e->image = c->session.image;
}

/*
 * The library runs and is still dumpable: the moment to see what image this
 * is.  It says nothing about who may claim (a connection that sends and then
 * execs looks like what it execs); it is for the record.
 */
static int arrived(struct connection *c, struct failure *f)
{
	struct session *s = &c->session;

	if (s->state != SESSION_OPENED || s->delivery != DELIVERY_PRELOAD)
		return fail_set(f, FAIL_POSTURE, "start it with ccrun",
				"this connection was not opened for a preloaded program");
	if (peer_alive(&c->peer, f) != 0 || peer_same_world(&c->peer, f) != 0)
		return -1;
	if (witness_exe(c->peer.pid, s->image, sizeof(s->image)) != 0 && !c->tenant->system)
		return fail_set(f, FAIL_POSTURE, NULL, "cannot see what process %d runs",
				(int)c->peer.pid);
	s->state = SESSION_ARRIVED;
	if (agree(c->fd) != 0)
		c->closing = true;
	return 0;
}

/* The session's own pid is about to exec: its next image may claim once more. */
static int again(struct connection *c, struct failure *f)
{
	struct record_event e = { .event = "again", .result = "granted" };

	/* Once more after an exec that failed (a name that PATH did not have). */
	if (c->session.state != SESSION_LIVE && !c->session.resumed)
		return fail_set(f, FAIL_POSTURE, NULL, "there is no live session here");
	if (peer_hardened(&c->peer, c->session.strict, f) != 0)
		return -1;
	note(c, &e);
	if (record_write(&c->tenant->record, &e, f) != 0)
		return -1;
	if (c->session.state == SESSION_LIVE)
		c->tenant->sessions--;
	c->session.state = SESSION_OPENED;
	c->session.resumed = true;
	c->deadline = io_now_ms() + CLAIM_DEADLINE_MS;
	if (agree(c->fd) != 0)
		c->closing = true;
	return 0;
}

/* Is the passed descriptor one end of a fresh SEQPACKET pair? */
static int check_channel(int fd, struct failure *f)
{
	int type = 0, domain = 0;
	socklen_t n = sizeof(type);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 ||
	    type != SOCK_SEQPACKET || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) != 0 ||
	    domain != AF_UNIX)
		return fail_set(f, FAIL_WRONG_TYPE, NULL, "a claim needs a socket to answer on");
	return 0;
}

/* May the process that sent this claim have the secrets now? */
static int check_claim(struct connection *c, struct failure *f)
{
	struct session *s = &c->session;
	enum session_state want = s->delivery == DELIVERY_PRELOAD ? SESSION_ARRIVED : SESSION_OPENED;

	if (s->state == SESSION_LIVE)
		return fail_set(f, FAIL_POSTURE, "start another session with ccrun",
				"the secrets of this session were claimed already");
	if (s->state != want || s->delivery == DELIVERY_PIPE)
		return fail_set(f, FAIL_POSTURE, "start it with ccrun",
				"there is nothing to claim on this connection");
	if (io_now_ms() > c->deadline)
		return fail_set(f, FAIL_TIMEOUT, "start it again",
				"the claim came more than %d s after the session was opened",
				CLAIM_DEADLINE_MS / 1000);
	return tenant_need_some(c->tenant, f);
}

/* Gather header and items; the values are sent from where they lie. */
struct hand_over {
	uint8_t head[CLAIM_HEAD + 2];
	uint8_t item[SESSION_ENTRIES_MAX][6];
	struct iovec iov[1 + 3 * SESSION_ENTRIES_MAX];
	int n;
};

static int gather(struct hand_over *h, struct connection *c, struct failure *f)
{
	struct session *s = &c->session;
	const struct entry *e;
	size_t body = 2, name;
	unsigned i;

	h->iov[0] = (struct iovec){ h->head, sizeof(h->head) };
	h->n = 1;
	for (i = 0; i < s->entries; i++) {
		e = session_entry(c, i, f);
		if (!e)
			return -1;
		name = strlen(s->variable[i]);
		claim_put16(h->item[i], (uint16_t)name);
		claim_put32(h->item[i] + 2, (uint32_t)e->token_len);
		h->iov[h->n++] = (struct iovec){ h->item[i], 6 };
		h->iov[h->n++] = (struct iovec){ s->variable[i], name };
		h->iov[h->n++] = (struct iovec){ (void *)(uintptr_t)e->token, e->token_len };
		body += 6 + name + e->token_len;
	}
	claim_head(h->head, CLAIM_OK, (uint32_t)body);
	claim_put16(h->head + CLAIM_HEAD, (uint16_t)s->entries);
	return 0;
}

static int claim(struct connection *c, int channel, struct failure *f)
{
	struct record_event e = { .event = "release", .result = "granted" };
	char names[SESSION_ENTRIES_MAX * (NAME_MAX_LEN + 1) + 1];
	struct hand_over h;
	unsigned i;

	/* The posture last: what is sealed may want it stricter than at `open`. */
	if (check_claim(c, f) != 0 || gather(&h, c, f) != 0 ||
	    peer_hardened(&c->peer, c->session.strict, f) != 0)
		return -1;
	names[0] = '\0';
	for (i = 0; i < c->session.entries; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? " " : "",
			 c->session.entry[i]);
	note(c, &e);
	e.entries = names;
	if (record_write(&c->tenant->record, &e, f) != 0)
		return -1;
	/* From here it counts as claimed, delivered or not. */
	session_released(c);
	if (sock_send_nonblock(channel, h.iov, h.n) != 0)
		c->closing = true;
	return 0;
}

void claim_serve(struct broker *b, struct connection *c, size_t n,
		 const struct sock_control *beside)
{
	struct failure f = { 0 };
	struct record_event e = { .event = "claim", .why = f.what };
	int type = claim_type(b->packet, n), r = -1, answer = c->fd;

	switch (n == CLAIM_HEAD ? type : -1) {
	case CLAIM_ARRIVED:
		r = arrived(c, &f);
		break;
	case CLAIM_CLAIM:
		/* Never answer on something that was not looked at. */
		if (check_channel(beside->fd, &f) != 0)
			break;
		answer = beside->fd;
		r = claim(c, answer, &f);
		break;
	case CLAIM_AGAIN:
		r = again(c, &f);
		break;
	default:
		fail_set(&f, FAIL_MALFORMED, NULL, "malformed fixed message");
		c->closing = true;
	}
	if (r == 0)
		return;
	note(c, &e);
	e.result = fail_name(f.code);
	record_write(&c->tenant->record, &e, NULL);
	refuse(answer, &f);
	if (c->session.state != SESSION_LIVE)
		c->closing = true;
}
