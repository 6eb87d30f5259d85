/*
 * helpers/usage/worker.h - the worker of ccrun-usage: waits until the broker wants a
 * quota, has a child fetch it, and sends the broker the result.
 */
#ifndef HELPERS_USAGE_WORKER_H
#define HELPERS_USAGE_WORKER_H

#include <stdint.h>

#include "dial/dial.h"

struct arena;
struct failure;
struct usage_kind;

#define SESSION_FD 3 /* a pidfd */

struct worker {
	const struct usage_kind *kind;
	const char *entry; /* of the vault; NULL: the client's own log-in */
	const char *name;  /* the provider that uses the log-in, or NULL */
	struct arena *arena;
	void *buf; /* WIRE_PACKET_MAX bytes of the arena: answers hold the key */
	struct dial dial;
	unsigned failures; /* fetches that failed since the last success */
	uint64_t later;	   /* seconds until the next connection, after NEXT_LATER */
};

/*
 * Work until the session ends or the broker is gone for good: 0.  -1 with f set: the
 * broker refused a request, or another process answered in its place.
 */
int worker_run(struct worker *w, struct failure *f);

#endif
