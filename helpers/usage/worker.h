/*
 * helpers/usage/worker.h - between the broker, which says when, and the child
 * that fetches.
 */
#ifndef HELPERS_USAGE_WORKER_H
#define HELPERS_USAGE_WORKER_H

#include <stdint.h>

#include "dial/dial.h"

struct arena;
struct failure;
struct usage_kind;

#define SESSION_FD 3

struct worker {
	const struct usage_kind *kind;
	const char *entry; /* NULL: the client's own log-in */
	const char *name;  /* of that one's provider, or NULL */
	struct arena *arena;
	void *buf;	   /* of the arena: a reply has the token */
	struct dial dial;
	unsigned failures; /* one after another */
	uint64_t later;	   /* seconds, until we come again */
};

/*
 * Until the session ends, or there is no broker any more (0).  -1 with f: the
 * broker said no, or it is none that we know.
 */
int worker_run(struct worker *w, struct failure *f);

#endif
