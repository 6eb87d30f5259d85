/*
 * broker/claim.c - the fixed messages: look at the process that a session started,
 * and hand the secrets over to it.
 */
#include "broker/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/relay_headers.h"
#include "broker/session.h"
#include "broker/witness.h"
#include "wire/claim.h"
#include "wire/names.h"

bool claim_is_fixed_message(const void *packet, size_t n)
{
	return n >= 4 && memcmp(packet, CLAIM_MAGIC, 4) == 0;
}

/* Send a refusal on fd: the claim's own channel, or the connection. */
static void claim_send_refusal(int fd, const struct failure *f)
{
	uint8_t head[CLAIM_HEAD], len[2][2];
	size_t what = strlen(f->what), hint = strlen(f->hint);
	struct iovec iov[] = {
		{ head, sizeof(head) },
		{ len[0], 2 },
		{ (void *)(uintptr_t)f->what, what },
		{ len[1], 2 },
		{ (void *)(uintptr_t)f->hint, hint },
	};

	claim_put_head(head, CLAIM_REFUSED, (uint32_t)(4 + what + hint));
	claim_put16(len[0], (uint16_t)what);
	claim_put16(len[1], (uint16_t)hint);
	sock_send_nonblock(fd, iov, 5);
}

_Static_assert(CLAIM_NAME_MAX == VARIABLE_MAX_LEN && CLAIM_VALUE_MAX == TOKEN_MAX,
	       "the library would refuse a token that a vault can hold");

static int claim_send_ok(int fd)
{
	uint8_t packet[CLAIM_HEAD + 2] = { 0 };
	struct iovec iov = { packet, sizeof(packet) };

	claim_put_head(packet, CLAIM_OK, 2);
	return sock_send_nonblock(fd, &iov, 1);
}

static void claim_fill_event(struct connection *c, struct audit_event *e)
{
	e->pid = c->peer.pid;
	e->provider = c->session.provider;
	e->session = c->session.id;
	e->image = c->session.image;
}

/*
 * The library runs in the new image and is still dumpable, so its executable can be
 * read.  That is for the audit log only and proves nothing about who may claim: a
 * process may send `arrived` and exec something else then.
 */
static int claim_handle_arrived(struct connection *c, struct failure *f)
{
	struct session *s = &c->session;

	if (!session_may(s, SESSION_ARRIVE))
		return fail_set(f, FAIL_POSTURE, "start it with ccrun",
				"this connection was not opened for a preloaded program");
	if (peer_check_alive(&c->peer, f) != 0 || peer_check_namespaces(&c->peer, f) != 0)
		return -1;
	if (witness_read_link(c->peer.pid, "exe", s->image, sizeof(s->image)) != 0 &&
	    !c->tenant->system)
		return fail_set(f, FAIL_POSTURE, NULL, "cannot see what process %d runs",
				(int)c->peer.pid);
	session_step(s, SESSION_ARRIVE);
	if (claim_send_ok(c->fd) != 0)
		c->closing = true;
	return 0;
}

/* The session's process is about to exec: its next image may claim once more. */
static int claim_handle_again(struct connection *c, struct failure *f)
{
	struct audit_event e = { .event = "again", .result = "granted" };

	if (!session_may(&c->session, SESSION_AGAIN))
		return fail_set(f, FAIL_POSTURE, NULL, "there is no live session here");
	if (peer_check_hardened(&c->peer, c->session.strict, f) != 0)
		return -1;
	claim_fill_event(c, &e);
	if (audit_write(&c->tenant->audit, &e, f) != 0)
		return -1;
	if (c->session.state == SESSION_LIVE)
		c->tenant->sessions--;
	session_step(&c->session, SESSION_AGAIN);
	c->deadline = clock_now_ms() + CLAIM_DEADLINE_MS;
	if (claim_send_ok(c->fd) != 0)
		c->closing = true;
	return 0;
}

/* Is the passed descriptor one end of a fresh SEQPACKET pair? */
static int claim_check_channel(int fd, struct failure *f)
{
	int type = 0, domain = 0;
	socklen_t n = sizeof(type);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 ||
	    type != SOCK_SEQPACKET || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) != 0 ||
	    domain != AF_UNIX)
		return fail_set(f, FAIL_WRONG_TYPE, NULL, "a claim needs a socket to answer on");
	return 0;
}

/* Is it the moment for a claim?  The process itself is checked in claim_handle_claim. */
static int claim_check_state(struct connection *c, struct failure *f)
{
	if (c->session.state == SESSION_LIVE)
		return fail_set(f, FAIL_POSTURE, "start another session with ccrun",
				"the secrets of this session were claimed already");
	if (!session_may(&c->session, SESSION_CLAIM))
		return fail_set(f, FAIL_POSTURE, "start it with ccrun",
				"there is nothing to claim on this connection");
	if (clock_now_ms() > c->deadline && control_active(CONTROL_CLAIM_DEADLINE))
		return fail_set(f, FAIL_TIMEOUT, "start it again",
				"the claim came more than %d s after the session was opened",
				CLAIM_DEADLINE_MS / 1000);
	return tenant_require_open_or_kept(c->tenant, f);
}

/* The answer to a claim, for one sendmsg: tokens are sent from the arena, uncopied. */
struct hand_over {
	uint8_t head[CLAIM_HEAD + 2];
	uint8_t item[SESSION_ENTRIES_MAX + 1][CLAIM_ITEM_HEAD];
	char before[SESSION_ENTRIES_MAX][VARIABLE_MAX_LEN + 4]; /* of a header, before its token */
	char others[HEADERS_MAX_LEN + 1];			/* headers that are no secret */
	struct iovec iov[1 + 3 * SESSION_ENTRIES_MAX + 4];
	int n;
	unsigned items;
	size_t body;
};

static void hand_over_add(struct hand_over *h, const void *p, size_t n)
{
	h->iov[h->n++] = (struct iovec){ (void *)(uintptr_t)p, n };
	h->body += n;
}

/* Begin an item, whose value of n bytes follows. */
static void hand_over_begin(struct hand_over *h, const char *name, size_t n)
{
	uint8_t *item = h->item[h->items++];

	claim_put16(item, (uint16_t)strlen(name));
	claim_put32(item + 2, (uint32_t)n);
	hand_over_add(h, item, CLAIM_ITEM_HEAD);
	hand_over_add(h, name, strlen(name));
}

/* Keys that are headers, which the client takes from one variable, a line each. */
static int hand_over_gather_headers(struct hand_over *h, struct connection *c, struct failure *f)
{
	struct session *s = &c->session;
	const struct entry *e;
	size_t n = 0, prefix;
	const char *header;
	unsigned i;
	int at = h->n + 2; /* behind the item's head and name */

	for (i = 0; i < s->entries; i++) {
		header = wire_carrier_header(s->variable[i]);
		e = header ? session_allowed_entry(c, i, f) : NULL;
		if (header && !e)
			return -1;
		if (!header)
			continue;
		prefix = strcspn(header, ":");
		snprintf(h->before[i], sizeof(h->before[i]), "%s%.*s: %s%s", n ? "\n" : "",
			 (int)prefix, header, header[prefix] ? header + prefix + 1 : "",
			 header[prefix] ? " " : "");
		h->iov[at++] = (struct iovec){ h->before[i], strlen(h->before[i]) };
		h->iov[at++] = (struct iovec){ (void *)(uintptr_t)e->token, e->token_len };
		n += strlen(h->before[i]) + e->token_len;
	}
	if (n == 0)
		return 0;
	relay_headers_text(h->others, s->headers);
	if (h->others[0]) {
		h->iov[at++] = (struct iovec){ (void *)(uintptr_t) "\n\n", 2 };
		h->iov[at++] = (struct iovec){ h->others, strlen(h->others) };
		n += 2 + strlen(h->others);
	}
	if (n > CLAIM_VALUE_MAX)
		return fail_set(f, FAIL_TOO_LARGE, "use them by relay: delivery = relay",
				"the headers have %zu bytes, the client takes %d", n,
				CLAIM_VALUE_MAX);
	hand_over_begin(h, CLAIM_HEADERS, n);
	h->n = at;
	h->body += n;
	return 0;
}

static int hand_over_gather(struct hand_over *h, struct connection *c, struct failure *f)
{
	struct session *s = &c->session;
	const struct entry *e;
	unsigned i;

	memset(h, 0, sizeof(*h));
	h->iov[h->n++] = (struct iovec){ h->head, sizeof(h->head) };
	for (i = 0; i < s->entries; i++) {
		if (wire_carrier_header(s->variable[i]))
			continue;
		e = session_allowed_entry(c, i, f);
		if (!e)
			return -1;
		hand_over_begin(h, s->variable[i], e->token_len);
		hand_over_add(h, e->token, e->token_len);
	}
	if (hand_over_gather_headers(h, c, f) != 0)
		return -1;
	claim_put_head(h->head, CLAIM_OK, (uint32_t)(2 + h->body));
	claim_put16(h->head + CLAIM_HEAD, (uint16_t)h->items);
	return 0;
}

static int claim_handle_claim(struct connection *c, int channel, struct failure *f)
{
	struct audit_event e = { .event = "release", .result = "granted", .gives = true };
	char names[SESSION_ENTRIES_MAX * (NAME_MAX_LEN + 1) + 1];
	struct hand_over h;
	unsigned i;

	/* The process last: a sealed policy may have made the session strict. */
	if (claim_check_state(c, f) != 0 || hand_over_gather(&h, c, f) != 0 ||
	    peer_check_hardened(&c->peer, c->session.strict, f) != 0 ||
	    session_check_confined(c, f) != 0)
		return -1;
	names[0] = '\0';
	for (i = 0; i < c->session.entries; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? " " : "",
			 c->session.entry[i]);
	claim_fill_event(c, &e);
	e.entries = names;
	e.delivery = delivery_name(c->session.delivery);
	if (audit_write(&c->tenant->audit, &e, f) != 0)
		return -1;
	/* It counts as claimed from here on, whether or not it can be sent. */
	session_mark_released(c, SESSION_CLAIM);
	if (sock_send_nonblock(channel, h.iov, h.n) != 0)
		c->closing = true;
	return 0;
}

void claim_serve(struct broker *b, struct connection *c, size_t n,
		 const struct sock_control *beside)
{
	struct failure f = { 0 };
	struct audit_event e = { .event = "claim", .why = f.what };
	int type = claim_type(b->packet, n), r = -1, answer = c->fd;

	switch (n == CLAIM_HEAD ? type : -1) {
	case CLAIM_ARRIVED:
		r = claim_handle_arrived(c, &f);
		break;
	case CLAIM_CLAIM:
		/* Answer on the passed descriptor only after it was checked. */
		if (claim_check_channel(beside->fd, &f) != 0)
			break;
		answer = beside->fd;
		r = claim_handle_claim(c, answer, &f);
		break;
	case CLAIM_AGAIN:
		r = claim_handle_again(c, &f);
		break;
	default:
		fail_set(&f, FAIL_MALFORMED, NULL, "malformed fixed message");
		c->closing = true;
	}
	if (r == 0)
		return;
	claim_fill_event(c, &e);
	e.result = fail_name(f.code);
	audit_write(&c->tenant->audit, &e, NULL);
	claim_send_refusal(answer, &f);
	if (c->session.state != SESSION_LIVE)
		c->closing = true;
}
