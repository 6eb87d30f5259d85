/*
 * broker/ops_relay.c - give a session a relay; list sessions, end one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/ops.h"
#include "broker/relay.h"
#include "broker/relay_channel.h"
#include "broker/request.h"
#include "broker/session.h"
#include "broker/ticket.h"
#include "vault/crypto.h"
#include "vault/entry.h"
#include "wire/names.h"
#include "wire/pack.h"

#define PROXY_MAX 1024	       /* bytes of a proxy's URL, and of a list of hosts without one */
#define FILE_MAX (1024 * 1024) /* bytes of certificates; Debian's bundle has 220 KiB */

static int check_session(const struct connection *c, struct failure *f)
{
	if (c->session.state != SESSION_OPENED || c->session.delivery != DELIVERY_RELAY)
		return fail_set(f, FAIL_POSTURE, "start it with ccrun",
				"no session for a relay is open here");
	if (clock_now_ms() > c->deadline)
		return fail_set(f, FAIL_TIMEOUT, "start it again", "the request came too late");
	return 0;
}

/* What this connection passes for its relay. */
static struct relay *relay_in_preparation(struct connection *c, struct failure *f)
{
	if (!c->preparing)
		c->preparing = relay_new();
	if (!c->preparing)
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a relay");
	return c->preparing;
}

/*
 * A memfd that nobody can change, grow or shrink: what was looked at is what a relay
 * reads, and reading it waits for nobody.
 */
static int check_sealed(int fd, struct failure *f)
{
	const int wanted = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (((seals < 0 || (seals & wanted) != wanted) && control_active(CONTROL_SEALED_FILES)) ||
	    fstat(fd, &st) != 0)
		return fail_set(f, FAIL_WRONG_TYPE, NULL, "a relay's file is a sealed memfd");
	if (st.st_size == 0 || st.st_size > FILE_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL,
				"a file of certificates has 1 to %d bytes, not %lld", FILE_MAX,
				(long long)st.st_size);
	return 0;
}

/*
 * Whoever can sign for another host reads the key there, so a file of authorities is
 * admitted by its bytes alone, which a person saw sealed with every entry of the session.
 * Every later release compares it again.
 */
static int admit_authorities(struct connection *c, int fd, struct failure *f)
{
	struct session *s = &c->session;
	struct stat st;
	void *p;
	unsigned i;

	if (fstat(fd, &st) != 0)
		return fail_errno(f, NULL, "cannot look at a relay's file");
	/* It is sealed: nobody shrinks or changes what is mapped. */
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return fail_errno(f, NULL, "cannot read a relay's file");
	seal_digest(s->ca, p, (size_t)st.st_size);
	munmap(p, (size_t)st.st_size);
	for (i = 0; i < s->entries; i++)
		if (!session_allowed_entry(c, i, f))
			return -1;
	return 0;
}

struct wire_out *op_relay_file(struct request *q, struct failure *f)
{
	struct relay *r;
	char name[8];
	int kind;

	if (check_session(q->connection, f) != 0 ||
	    wire_get_text(q->map, "kind", name, sizeof(name), f) != 0 ||
	    check_sealed(q->beside->fd, f) != 0)
		return NULL;
	kind = relay_file_from_name(name);
	r = relay_in_preparation(q->connection, f);
	if (!r)
		return NULL;
	if (kind < 0 || r->file[kind] >= 0) {
		fail_set(f, FAIL_BAD_VALUE, NULL, "a relay's file is ca, cert or key, once each");
		return NULL;
	}
	if (kind == RELAY_FILE_CA && admit_authorities(q->connection, q->beside->fd, f) != 0)
		return NULL;
	r->file[kind] = q->beside->fd;
	q->beside->fd = -1;
	return wire_ok();
}

static int check_listener(int fd, struct failure *f)
{
	int type = 0, domain = 0, listening = 0;
	socklen_t n = sizeof(int);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_STREAM ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) != 0 || domain != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) != 0 || !listening)
		return fail_set(f, FAIL_WRONG_TYPE, NULL, "a relay needs a listening unix socket");
	return 0;
}

static int copy_text(struct request *q, const char *key, struct wire_out *to, struct failure *f)
{
	char text[PROXY_MAX + 1] = "";

	if (wire_has(q->map, key) && wire_get_text(q->map, key, text, sizeof(text), f) != 0)
		return -1;
	wire_put_str(to, key, text);
	return 0;
}

/*
 * Which proxy the relay uses is not sealed: through it goes TLS, which it cannot read.
 * An endpoint without TLS is reached directly, or whoever names a proxy reads the key.
 */
static int copy_proxy(struct request *q, const char *url, struct wire_out *to, struct failure *f)
{
	if (strncmp(url, "https://", 8) == 0 || !control_active(CONTROL_PLAIN_PROXY))
		return copy_text(q, "proxy", to, f) != 0 || copy_text(q, "no_proxy", to, f) != 0
			       ? -1
			       : 0;
	wire_put_str(to, "proxy", "");
	wire_put_str(to, "no_proxy", "");
	return 0;
}

/* The kind of credential and the URL of a sealed origin, "bearer https://host". */
static int split_origin(const char *origin, char auth[16], const char **url, struct failure *f)
{
	size_t n = strcspn(origin, " ");

	if (n == 0 || n >= 16 || origin[n] != ' ')
		return fail_set(f, FAIL_BAD_VALUE, NULL, "'%.60s' is no origin", origin);
	memcpy(auth, origin, n);
	auth[n] = '\0';
	*url = origin + n + 1;
	return 0;
}

/*
 * A relay has one place to send to: keys that were sealed for others must not go there.
 * It adds one key in the endpoint's own header, and any others as headers that are
 * named.  -1: another variable would have to reach the client itself.
 */
static int check_carriers(const struct session *s, struct failure *f)
{
	const char *header, *other;
	unsigned i, j, own = 0;

	for (i = 0; i < s->entries; i++) {
		header = wire_carrier_header(s->variable[i]);
		own += header == NULL;
		if (strcmp(s->origin[i], s->origin[0]) != 0)
			return fail_set(f, FAIL_ORIGIN, "one origin for all keys of a session",
					"'%s' and '%s' are sealed for different places",
					s->entry[0], s->entry[i]);
		for (j = 0; header && j < i; j++) {
			other = wire_carrier_header(s->variable[j]);
			if (other && strcasecmp(header, other) == 0)
				return fail_set(f, FAIL_POLICY, "give each a header of its own",
						"'%s' and '%s' would be sent as the same header",
						s->entry[j], s->entry[i]);
		}
	}
	if (own <= 1)
		return 0;
	return fail_set(f, FAIL_POLICY, "name the others header:NAME in the provider's [secrets]",
			"a relay carries one key in a variable's place, not %u", own);
}

/* Can one of the session's tokens be fetched again, without a person at a terminal? */
static bool is_renewable(struct connection *c)
{
	const struct entry *e;
	unsigned i;

	for (i = 0; i < c->session.entries; i++) {
		e = session_allowed_entry(c, i, NULL);
		if (e && e->source)
			return true;
	}
	return false;
}

/* Where the keys may go is taken from what was sealed with them, not from the request. */
static struct wire_out *build_start(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	const struct entry *e = session_allowed_entry(c, 0, f);
	struct wire_out *o;
	const char *url = NULL, *header;
	char auth[16];
	unsigned i;

	if (!e || check_carriers(&c->session, f) != 0 ||
	    split_origin(e->origin, auth, &url, f) != 0)
		return NULL;
	o = wire_request("start");
	wire_put_str(o, "session", c->session.id);
	wire_put_uint(o, "pid", (uint64_t)c->peer.pid);
	wire_put_uint(o, "uid", c->peer.uid);
	wire_put_str(o, "url", url);
	wire_put_str(o, "auth", auth);
	wire_put_bool(o, "renewable", is_renewable(c));
	wire_begin_array(o, "entries");
	for (i = 0; i < c->session.entries; i++) {
		wire_begin_item(o);
		header = wire_carrier_header(c->session.variable[i]);
		wire_put_str(o, "header", header ? header : "");
	}
	wire_end_array(o);
	/* MUST: none that the request names.  Some gateways send on, with the key, to where a
	 * header of theirs says; so a name would have to be sealed with the key. */
	wire_begin_array(o, "added");
	wire_end_array(o);
	if (copy_proxy(q, url, o, f) == 0)
		return o;
	wire_out_free(o);
	return NULL;
}

/*
 * Whom a relay trusts besides the system's authorities can read what is sent to it, and
 * the requester says who that is.  So it is on record, by the hash of the file.
 */
static int audit_authorities(struct connection *c, const struct relay *r, struct failure *f)
{
	char why[96], hex[65];
	struct audit_event e = { .event = "relay",
				 .result = "granted",
				 .why = why,
				 .pid = c->peer.pid,
				 .provider = c->session.provider,
				 .session = c->session.id };
	int fd = r->file[RELAY_FILE_CA];
	uint8_t hash[32];
	struct stat st;
	void *p;

	if (fd < 0)
		return 0;
	/* It is sealed: it neither shrinks nor changes. */
	p = fstat(fd, &st) == 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
				: MAP_FAILED;
	if (p == MAP_FAILED)
		return fail_errno(f, NULL, "cannot read the authorities' certificates");
	blake2b_256(hash, NULL, 0, p, (size_t)st.st_size);
	munmap(p, (size_t)st.st_size);
	hex_encode(hex, hash, sizeof(hash));
	snprintf(why, sizeof(why), "trusts authorities of BLAKE2b %s", hex);
	return audit_write(&c->tenant->audit, &e, f);
}

struct wire_out *op_relay(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	struct wire_out *start;
	struct relay *r;

	if (check_session(c, f) != 0 || check_listener(q->beside->fd, f) != 0)
		return NULL;
	start = build_start(q, f);
	r = start ? relay_in_preparation(c, f) : NULL;
	if (!r || audit_authorities(c, r, f) != 0) {
		wire_out_free(start);
		return NULL;
	}
	r->start = start;
	r->listener = q->beside->fd;
	q->beside->fd = -1;
	c->preparing = NULL;
	return relay_channel_start(q->broker, c, r, f) == 0 ? wire_ok() : NULL;
}

/* ---- sessions ---- */

static void put_session(struct wire_out *o, const struct connection *c)
{
	const struct session *s = &c->session;

	wire_begin_item(o);
	wire_put_str(o, "id", s->id);
	wire_put_str(o, "provider", s->provider);
	wire_put_str(o, "mode", s->mode);
	wire_put_str(o, "entry", s->entry[0]);
	wire_put_str(o, "delivery", delivery_name(s->delivery));
	wire_put_uint(o, "pid", (uint64_t)c->peer.pid);
	wire_put_uint(o, "since", s->opened);
	wire_put_str(o, "image", s->image);
	if (s->has_shown_ticket)
		wire_put_str(o, "inside", s->root);
	if (!c->relay)
		return;
	wire_put_uint(o, "requests", c->relay->sums.requests);
	wire_put_uint(o, "refusals", c->relay->sums.refused);
	wire_put_bool(o, "has_value", c->relay->has_value);
	wire_put_bool(o, "ended", c->relay->ended);
}

static bool is_live_session(const struct connection *c, const struct tenant *t)
{
	return c->fd >= 0 && c->tenant == t && c->session.state == SESSION_LIVE;
}

/* One page, in the order of places, from the first behind "after" (a place's number). */
struct wire_out *op_sessions(struct request *q, struct failure *f)
{
	const struct connection *all = q->broker->connection;
	struct wire_out *o;
	uint64_t after;
	unsigned i, n = 0;

	if (wire_get_uint(q->map, "after", &after, f) != 0)
		return NULL;
	o = wire_ok();
	wire_begin_array(o, "sessions");
	for (i = after < q->broker->places ? (unsigned)after : q->broker->places;
	     i < q->broker->places && n < SESSIONS_PAGE; i++)
		if (is_live_session(&all[i], q->connection->tenant)) {
			put_session(o, &all[i]);
			n++;
		}
	wire_end_array(o);
	wire_put_uint(o, "next", i < q->broker->places ? i : 0);
	return o;
}

struct wire_out *op_session_end(struct request *q, struct failure *f)
{
	struct audit_event e = { .event = "session-end",
				 .result = "granted",
				 .pid = q->connection->peer.pid };
	struct connection *c = q->broker->connection;
	char id[sizeof(c->session.id)];
	unsigned i;

	if (wire_get_text(q->map, "session", id, sizeof(id), f) != 0)
		return NULL;
	for (i = 0; i < q->broker->places; i++, c++)
		if (is_live_session(c, q->connection->tenant) && strcmp(c->session.id, id) == 0)
			break;
	if (i == q->broker->places) {
		fail_set(f, FAIL_NO_ENTRY, "ccctl sessions lists them", "there is no session %s",
			 id);
		return NULL;
	}
	if (!c->relay) {
		fail_set(f, FAIL_POLICY, NULL,
			 "session %s has its key in its own memory (delivery %s)", id,
			 delivery_name(c->session.delivery));
		fail_hint(f, "end the process: kill %d", (int)c->peer.pid);
		return NULL;
	}
	e.session = id;
	e.provider = c->session.provider;
	if (audit_write(&c->tenant->audit, &e, f) != 0)
		return NULL;
	c->relay->ended = true;
	relay_wipe(c->relay, "ended");
	/* Or its process would have another one by starting a session inside. */
	ticket_revoke(c->tenant, &c->session);
	return wire_ok();
}
