/*
 * helpers/usage/usage_kind.h - the kinds of quota: which URL is asked, and how ([usage]
 * kind = in a provider's file).
 */
#ifndef HELPERS_USAGE_USAGE_KIND_H
#define HELPERS_USAGE_USAGE_KIND_H

#include <stdbool.h>

#include "helpers/usage/answer_parsers.h"

struct failure;

#define HOSTS_MAX 4

struct usage_kind {
	const char *name;
	const char *path;	     /* of the URL */
	bool bearer;		     /* "Authorization: Bearer KEY", else the key alone */
	bool own;		     /* the key is the client's log-in, not an entry's */
	const char *header;	     /* an additional header, or NULL */
	unsigned least;		     /* seconds to wait after an error, at least */
	const char *host[HOSTS_MAX]; /* a key is sent to no others; [0] is the default */
	answer_parser *parse;
};

/* Where one request goes. */
struct usage_target {
	char url[512];
	char host[256];
	bool loopback; /* on this machine: no proxy, and plain http is allowed */
};

/* The kind of this name, or NULL. */
const struct usage_kind *usage_kind_find(const char *name);

/* The name of kind number i, from 0; NULL after the last. */
const char *usage_kind_name(unsigned i);

/*
 * The URL to ask, from an entry's sealed origin ("bearer https://HOST[:PORT]/PATH"),
 * of which scheme, host and port are used, or with NULL from the kind's default host.
 * 0, or -1 with f set (FAIL_ORIGIN): the host is neither one of the kind's nor this
 * machine, or the scheme is http and the host is not this machine.
 */
int usage_kind_target(const struct usage_kind *kind, const char *origin, struct usage_target *out,
		      struct failure *f);

#endif
