/*
 * helpers/logind/lock_client.h - the connection to the broker over which it is told
 * to lock.  One packet, one answer; nobody waits for an answer but before sleep.
 */
#ifndef HELPERS_LOGIND_LOCK_CLIENT_H
#define HELPERS_LOGIND_LOCK_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "dial/dial.h"
#include "wire/limits.h"

struct failure;

struct lock_client {
	struct dial dial;
	unsigned pending; /* requests that were not answered yet */
	bool ended;	  /* the broker is gone: so are we */
	uint8_t buf[WIRE_PACKET_MAX];
};

/*
 * Connect (a broker must serve already), check who serves, and become the
 * watcher of this uid.  Returns 0; -1 with f set, FAIL_EXISTS when another
 * process watches.
 */
int lock_client_open(struct lock_client *w, struct failure *f);

/* Ask for a lock because of `why` (suspend, screen, logout).  Never waits. */
void lock_client_send(struct lock_client *w, const char *why);

/*
 * Read one packet, if there is one: an answer, or the end of the connection
 * (w->ended).  Returns 0, or -1 with f set: it is not the broker that answers.
 */
int lock_client_read(struct lock_client *w, struct failure *f);

/* Wait until everything is answered, at most ms. */
void lock_client_wait(struct lock_client *w, int ms);

#endif
