/*
 * broker/relay.h - a relay that the broker had started: what it works with, and what is
 * sent to it.  docs/PROTOCOL.md, "The relay's channel".
 *
 * The broker keeps all that a relay was started with, so that one that crashed can be
 * started again for the same session.
 */
#ifndef BROKER_RELAY_H
#define BROKER_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/fail.h"
#include "broker/audit_line.h"
#include "broker/held.h"
#include "wire/limits.h"

struct connection;
struct peer;
struct session;
struct wire_out;

/* What a client may pass along for a relay: certificate authorities that it trusts
 * besides the system's, a client certificate, and that one's key. */
enum relay_file { RELAY_FILE_CA, RELAY_FILE_CERT, RELAY_FILE_KEY, RELAY_FILES };

/* An enum relay_file, by its name in a request: "ca", "cert", "key"; or -1. */
int relay_file_from_name(const char *name);

struct relay {
	struct relay *next;	       /* of the same tenant */
	const struct session *session; /* of the connection that is its channel */
	const struct peer *process;    /* the session's, of the same connection */
	int channel;		       /* that connection's descriptor */
	int listener;		       /* where the session's process connects */
	int pidfd;		       /* of that process; belongs to the channel's peer */
	int file[RELAY_FILES];	       /* sealed memfds, or -1 */
	unsigned *kept;		       /* its tenant's count of these two kinds */
	struct wire_out *start;	       /* the message with which it begins */
	bool has_value;		       /* it was given the tokens since it was last told to wipe */
	int64_t given_ms;	       /* clock_now_ms() when it was given them */
	char awaits[NAME_MAX_LEN + 1]; /* `value` is answered when this one's token has come */
	int64_t await_until;	       /* or then */
	struct failure unfetched;      /* why the last token that it waited for did not come */
	int64_t unfetched_ms;	       /* when that was */
	unsigned renewals;	       /* since then, of tokens that the provider refused */
	int64_t renewals_since_ms;
	struct held held;
	bool ended;	 /* relay_end: it gets no value any more */
	const char *cut; /* why its channel is to be ended, or NULL */
	int refused;	 /* code of the last refused value, for the audit log */
	unsigned starts; /* in the minute from first_start_ms on */
	int64_t first_start_ms;
	uint64_t fetches;	    /* of quota numbers, that it was told of */
	uint64_t fetch_id;	    /* the one it is at, or 0 */
	struct connection *fetcher; /* the worker that waits for it, or NULL */
	struct audit_sums sums;	    /* since the session began, whichever relay did it */
};

/* A relay without any descriptor; those that it is to keep are counted in *kept.  NULL when
 * there is no memory. */
struct relay *relay_new(unsigned *kept);

/* Keep fd, which the relay is to have, at place: its listener or one of its files. */
void relay_keep_descriptor(struct relay *r, int *place, int fd);

/* Close its descriptors, but for the channel and the pidfd, and free it.  NULL-safe. */
void relay_free(struct relay *r);

/* Over a fresh channel: all that it works with, but no token.  0, or -1 with errno. */
int relay_send_start(const struct relay *r);

/*
 * End its channel, at which it wipes and ends, too.  Nothing that it sent before is
 * heard any more.  why: for the audit log; a literal.
 */
void relay_cut(struct relay *r, const char *why);

/* Its session gets no value any more, whose process may go on: have it wipe what it has, as
 * relays_wipe does. */
void relay_end(struct relay *r);

unsigned relays_count(const struct relay *list);

/*
 * Have relays wipe the tokens and all that they may have been copied to, and end what they are
 * transferring.  why: "locked", "changed".  One that cannot be told is cut.
 * Those of the list whose session uses the entry (name NULL: any), unless spare says of
 * all entries of a session that they stay (NULL: it says so of none).
 */
void relays_wipe(struct relay *list, const char *name, const char *why,
		 bool (*spare)(const void *arg, const char *entry), const void *arg);

#endif
