/*
 * helpers/usage/usage_kind.h - whom a kind of provider is asked, and how.
 */
#ifndef HELPERS_USAGE_USAGE_KIND_H
#define HELPERS_USAGE_USAGE_KIND_H

#include <stdbool.h>

#include "helpers/usage/answer_parsers.h"

struct failure;

#define HOSTS_MAX 4

struct usage_kind {
	const char *name;
	const char *path;		/* of the one URL that is asked */
	bool bearer;			/* "Authorization: Bearer KEY", else the key alone */
	bool own;			/* the client's own log-in, no entry of the vault */
	const char *header;		/* one more header, or NULL */
	unsigned least;			/* seconds that an error keeps us away, at least */
	const char *host[HOSTS_MAX];	/* the family: whom a key may be sent to */
	answer_parser *parse;
};

struct usage_target {
	char url[512];
	char host[256];
	bool loopback; /* no proxy, plain http allowed */
};

/* NULL: no such kind. */
const struct usage_kind *usage_kind_find(const char *name);

/* The name of kind i, NULL behind the last. */
const char *usage_kind_name(unsigned i);

/*
 * The URL to ask, from an origin as it is sealed ("bearer https://HOST[:PORT]/PATH",
 * NULL for a kind's own).  Only scheme, host and port of it count.  -1 with f
 * (FAIL_ORIGIN): not of this kind's family and not this machine, or in the clear.
 */
int usage_kind_target(const struct usage_kind *kind, const char *origin, struct usage_target *out, struct failure *f);

#endif
