/*
 * broker/connection.h - one client's connection: who it is, what it is used for, and
 * when it times out.
 */
#ifndef BROKER_CONNECTION_H
#define BROKER_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/file_transfer.h"
#include "broker/peer.h"
#include "broker/renewal.h"
#include "broker/session.h"
#include "vault/crypto.h"

struct broker;
struct relay;
struct tenant;
struct usage_place;
struct watched_quota;

struct connection {
	int fd; /* -1: a free place */
	struct peer peer;
	struct tenant *tenant;
	int64_t deadline; /* clock_now_ms(); 0: none */
	bool closing;	  /* to be dropped when the handler returns */
	bool has_spoken;  /* its first message was received */
	bool unverified;  /* serving the first message, and the kernel gave only a pid
			   * that may have been reused: nothing may be granted yet */
	bool marked;	  /* inside a session when it connected; counted apart */
	bool paused;	  /* not watched until its tenant's busy_ms is low again */
	/* A connection has one use: session, watcher, quota worker or source fetcher. */
	struct session session;
	bool watcher;	  /* tells when the computer sleeps or locks its screen; no deadline */
	bool watches_all; /* with watcher: the system's, which tells for every tenant */
	struct watched_quota *quota;	       /* the numbers that this worker fetches, or NULL */
	bool quota_waiting;		       /* usage-next is not answered yet; no deadline */
	bool quota_fetching;		       /* it is its turn; usage-put is to come */
	const struct usage_place *quota_place; /* what its last usage-next names, or NULL */
	struct relay
		*quota_relay; /* that fetches for it: usage-next is not answered yet; or NULL */
	char fetching_token_of[NAME_MAX_LEN + 1]; /* source-take of this entry, or "" */
	uint8_t fetching_from[BLAKE2B_256_LEN];	  /* the hash of its source, then */
	struct renewer renewer;			  /* what it fetches when it is asked */
	struct file_transfer transfer;
	struct relay *preparing; /* what a client passed for the relay of its session, or NULL */
	struct relay *relay;	 /* this is the channel of that relay, or NULL */
	int64_t person_until; /* clock_now_ms(): `person` proved one for the next request; 0: no */
	uint64_t person_openings; /* its tenant's, at that time */
};

/*
 * Put a fresh descriptor into place c, after its peer was identified and the limits
 * were checked.  0, or -1: the client was told why, and fd is closed.
 */
int connection_accept(struct broker *b, struct connection *c, int fd);

/* Receive one packet, dispatch it, answer.  Sets c->closing when that is the end. */
void connection_serve(struct broker *b, struct connection *c);

/* The deadline has passed: tell the client, then connection_drop. */
void connection_expire(struct broker *b, struct connection *c);

/* Close it, free what it holds, and write the end of its session to the audit log.
 * Safe on a free place. */
void connection_drop(struct broker *b, struct connection *c);

#endif
