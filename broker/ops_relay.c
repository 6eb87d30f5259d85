/*
 * broker/ops_relay.c - give a session a relay.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/fail.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/ops.h"
#include "broker/places.h"
#include "broker/relay.h"
#include "broker/relay_channel.h"
#include "broker/relay_start.h"
#include "broker/request.h"
#include "broker/session.h"
#include "vault/crypto.h"
#include "wire/pack.h"

#define FILE_MAX (1024 * 1024) /* bytes of certificates; Debian's bundle has 220 KiB */

static int check_session(const struct connection *c, struct failure *f)
{
	if (!session_may(&c->session, SESSION_RELAY))
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
		c->preparing = relay_new(&c->tenant->relay_files);
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

/* The bytes of a file that check_sealed passed: nobody changes or shrinks what is mapped.
 * NULL with f set; else the caller unmaps *n bytes. */
static void *sealed_map(int fd, size_t *n, struct failure *f)
{
	struct stat st;
	void *p = MAP_FAILED;

	if (fstat(fd, &st) == 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		fail_errno(f, NULL, "cannot read the authorities' certificates");
		return NULL;
	}
	*n = (size_t)st.st_size;
	return p;
}

/*
 * Whoever can sign for another host reads the key there, so a file of authorities is
 * admitted by its bytes alone, which a person saw sealed with every entry of the session.
 * Every later release compares it again.
 */
static int admit_authorities(struct connection *c, int fd, struct failure *f)
{
	struct session *s = &c->session;
	size_t n = 0;
	void *p = sealed_map(fd, &n, f);
	unsigned i;

	if (!p)
		return -1;
	seal_digest(s->ca, p, n);
	munmap(p, n);
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
	if (places_check_descriptors(q->broker, q->connection->tenant, 1, f) != 0)
		return NULL;
	relay_keep_descriptor(r, &r->file[kind], q->beside->fd);
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
	size_t n = 0;
	void *p;

	if (fd < 0)
		return 0;
	p = sealed_map(fd, &n, f);
	if (!p)
		return -1;
	blake2b_256(hash, NULL, 0, p, n);
	munmap(p, n);
	hex_encode(hex, hash, sizeof(hash));
	snprintf(why, sizeof(why), "trusts authorities of BLAKE2b %s", hex);
	return audit_write(&c->tenant->audit, &e, f);
}

struct wire_out *op_relay(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	struct wire_out *start;
	struct relay *r;

	if (check_session(c, f) != 0 || check_listener(q->beside->fd, f) != 0 ||
	    places_check_descriptors(q->broker, c->tenant, 1, f) != 0)
		return NULL;
	start = relay_start_build(q, f);
	r = start ? relay_in_preparation(c, f) : NULL;
	if (!r || audit_authorities(c, r, f) != 0) {
		wire_out_free(start);
		return NULL;
	}
	r->start = start;
	relay_keep_descriptor(r, &r->listener, q->beside->fd);
	q->beside->fd = -1;
	c->preparing = NULL;
	return relay_channel_start(q->broker, c, r, f) == 0 ? wire_ok() : NULL;
}
