/*
 * broker/session.h - a session: one connection that was granted secrets, until it ends.
 */
#ifndef BROKER_SESSION_H
#define BROKER_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/session_life.h"
#include "wire/limits.h"
#include "wire/policy.h"

struct connection;
struct entry;
struct failure;

/* What `open` asked for.  Every release is decided again from these fields. */
struct session {
	enum session_state state;
	char id[17]; /* 8 random bytes in hex, for the audit log */
	char provider[NAME_MAX_LEN + 1];
	char mode[NAME_MAX_LEN + 1];
	char entry[SESSION_ENTRIES_MAX][NAME_MAX_LEN + 1];
	char variable[SESSION_ENTRIES_MAX][VARIABLE_MAX_LEN + 1];
	char origin[SESSION_ENTRIES_MAX][ORIGIN_MAX_LEN + 1];
	char config_dir[CONFIG_DIR_MAX + 1]; /* the client's, as the files write it, or "" */
	char project[PROJECT_MAX_LEN + 1];   /* its directory, for ccctl spent; or "" */
	char env[SEAL_DIGEST_HEX + 1];	     /* digest of the [env] that is sealed, or "" */
	char ca[SEAL_DIGEST_HEX + 1];	     /* digest of the file of authorities, or "" */
	char prices[SEAL_DIGEST_HEX + 1];    /* digest of the prices that it brought, or "" */
	char headers[HEADERS_MAX_LEN + 1];   /* of what is sealed so: broker/relay_headers.h */
	unsigned entries;
	enum delivery delivery;
	enum confine confine;
	uint64_t opened; /* seconds since the epoch */
	bool strict;
	char ticket[TICKET_LEN + 1]; /* by relay: for sessions inside this one; or "" */
	char root[17]; /* the id of the session that the ticket was made for: this, or the one that
			* it is inside; or "" */
	bool has_shown_ticket; /* it is inside another one, and showed that one's ticket */
	bool background;       /* those inside it may outlive it */
	bool marked;	       /* the requester was marked (inside a session) when it opened */
	bool confirmed;	       /* a person said yes to it, or to the one that it is inside, where
				* its entries want that */
	bool resumed;	       /* `again` was said: it counts as live until the next claim */
	char image[256];       /* the executable, for the audit log */
};

/*
 * Entry i of the connection's session as the vault has it now, if the sealed policy
 * still allows it: decided at `open` and again at every release, since a key may
 * have got another endpoint or a tighter policy meanwhile.  NULL with FAIL_NO_ENTRY,
 * FAIL_NO_VALUE, FAIL_LOCKED, FAIL_MARKED, FAIL_ORIGIN or FAIL_POLICY, this also where it has a
 * limit, and the requests are counted for another one.  Sets
 * session.strict where the entry is strict.
 */
const struct entry *session_allowed_entry(struct connection *c, unsigned i, struct failure *f);

/*
 * The session's process is about to use its secrets, or to have them: is it confined as its
 * entries want it?  After session_allowed_entry, by which `confine` is as sealed or tighter.
 * FAIL_PEER, FAIL_POSTURE.
 */
int session_check_confined(const struct connection *c, struct failure *f);

/* The session's secrets were handed over: set use times and counters. */
void session_count_release(struct connection *c);

/* The same, to the session's own process, by a claim or a pipe: it is live from now on. */
void session_mark_released(struct connection *c, enum session_event how);

#endif
