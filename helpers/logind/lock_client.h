/*
 * helpers/logind/lock_client.h - a connection to the broker that asks it to lock
 * vaults: the user's own, or those of every user of the system broker.  Each request
 * gets one answer.  Requests do not wait for it; only before sleep does
 * lock_client_wait wait for all of them.
 */
#ifndef HELPERS_LOGIND_LOCK_CLIENT_H
#define HELPERS_LOGIND_LOCK_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dial/dial.h"
#include "wire/limits.h"

struct failure;

struct lock_client {
	struct dial dial;
	bool all;	  /* the system's watcher: each request names a user, or all of them */
	bool sleep_runs;  /* the broker was told that the computer's sleep does not wait */
	unsigned pending; /* requests without an answer yet */
	bool ended;	  /* the broker closed the connection: this program ends too */
	uint8_t buf[WIRE_PACKET_MAX];
};

/*
 * Connect to the running broker (none is started), check its identity, and register as
 * this uid's watcher with the request `watch`; all: to the system broker, as the watcher
 * for all its users.  Returns 0, or -1 with f set: FAIL_EXISTS if another process is
 * registered.
 */
int lock_client_open(struct lock_client *c, bool all, struct failure *f);

#define LOCK_EVERYONE ((uid_t)-1)

/*
 * Ask the broker to lock the vault of uid, or every vault of the broker with
 * LOCK_EVERYONE; why is suspend, screen or logout.  A user's watcher asks for its own in
 * either case.  It waits only for a broker that has not read what was sent before.
 */
void lock_client_send(struct lock_client *c, const char *why, uid_t uid);

/* Tell the broker, for `ccctl status`, whether the computer's sleep waits for its answer:
 * at first it is taken to. */
void lock_client_tell_delays(struct lock_client *c, bool delays);

/*
 * Read one answer, or the end of the connection (c->ended), if there is one; does not
 * block.  A refusal is printed.  Returns 0, or -1 with f set: the answer is malformed
 * or another process sent it.
 */
int lock_client_read(struct lock_client *c, struct failure *f);

/* Wait until all requests are answered, for at most ms milliseconds. */
void lock_client_wait(struct lock_client *c, int ms);

#endif
