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
 * Resolve a reference to the command that is stored for it, in *out.  One that the user's own
 * file says, and not the shipped one, is agreed to first: on the terminal, or `command=` and
 * it is among the n words allowed (FAIL_DECLINED, FAIL_POLICY).
 */
int source_settle(const char *ref, const char *const *allowed, unsigned n, struct entry_source *out,
		  struct failure *f);

/* Say that sessions can fetch the secret themselves, where the manager opens by variables that
 * other programs need too. */
void source_note_shares(const char *ref);

/* Run the command, and store what it prints as token i of t.  0 or -1. */
int source_fetch_token(struct client *c, const struct entry_source *source, struct tokens *t,
		       unsigned i, struct failure *f);

/*
 * Is the command stored in e what its source's file says, and is the program installed?
 * 1, or 0 with what the file says in *now, or -1.
 */
int source_compare_sealed(const struct listed *e, struct entry_source *now, struct failure *f);

#endif
