/*
 * client/common/sources.h - entries whose secret stays in another secret manager.
 */
#ifndef CLIENT_COMMON_SOURCES_H
#define CLIENT_COMMON_SOURCES_H

#include <stdbool.h>
#include "wire/source.h"

struct client;
struct failure;
struct listed;
struct tokens;

#define SOURCE_TTL (12 * 3600) /* default ttl of a fetched secret, in seconds */

/*
 * Resolve a reference to the command that is stored for it, in *out.  check: run it, and
 * store what it prints as token i of t; else token i stays empty.  0 or -1.
 */
int source_settle(struct client *c, const char *ref, bool check, struct tokens *t, unsigned i,
		  struct entry_source *out, struct failure *f);

/*
 * Is the command stored in e what its source's file says, and is the program installed?
 * 1, or 0 with what the file says in *now, or -1.
 */
int source_compare_sealed(const struct listed *e, struct entry_source *now, struct failure *f);

#endif
