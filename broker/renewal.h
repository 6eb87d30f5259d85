/*
 * broker/renewal.h - processes that fetch tokens from their sources when the broker asks
 * them to: a relay wants a token that is gone, or that its provider refuses.
 *
 * The broker runs no program.  So ccrun leaves an unmarked ccrun-source behind for each
 * session whose keys have sources, which waits here.
 */
#ifndef BROKER_RENEWAL_H
#define BROKER_RENEWAL_H

#include <stdbool.h>
#include "wire/limits.h"

struct broker;
struct connection;
struct failure;
struct tenant;
struct wire_map;

/* Of a connection: what its process fetches. */
struct renewer {
	char name[SESSION_ENTRIES_MAX][NAME_MAX_LEN + 1];
	unsigned names;		     /* 0: it is none */
	bool waiting;		     /* source-wait is not answered yet; no deadline */
	char told[NAME_MAX_LEN + 1]; /* it was asked to fetch this entry's token, or "" */
};

/* Does a connection of the tenant other than c (which may be NULL) fetch this entry's
 * token now (source-take)? */
bool renewal_is_fetching(const struct broker *b, const struct tenant *t, const char *name,
			 const struct connection *c);

/* Is somebody there who could fetch it? */
bool renewal_possible(const struct broker *b, const struct tenant *t, const char *name);

/*
 * Have the token of this entry fetched, unless that is under way.  False: nobody is there
 * who could.
 */
bool renewal_ask(struct broker *b, const struct tenant *t, const char *name);

/* Make c, which has no other use, fetch the entries of m's "names".  0 or -1. */
int renewal_join(struct connection *c, struct wire_map m, struct failure *f);

/*
 * c waits from now on.  If one of its tokens is wanted already, it is told in *name,
 * and waits no more; else *name is NULL.
 */
void renewal_wait(struct broker *b, struct connection *c, const char **name);

#endif
