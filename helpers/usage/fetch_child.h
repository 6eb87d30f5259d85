/*
 * helpers/usage/fetch_child.h - fetch a quota in a process of its own.
 *
 * Large libraries parse what the server sends (TLS, HTTP, JSON).  They run in a child
 * that is sandboxed, has one key, one URL and no connection to the broker, returns one
 * struct of fixed size, which is checked, and exits.  Its end also destroys the copies
 * of the key that the libraries made.  What a relay has fetched is read there as well,
 * without a key.
 */
#ifndef HELPERS_USAGE_FETCH_CHILD_H
#define HELPERS_USAGE_FETCH_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/usage_place.h"

struct usage_kind;
struct usage_result;

/* What to fetch. */
struct fetch_job {
	const struct usage_kind *kind;
	struct usage_target target;
	uint8_t *token; /* wiped once the child has it; NULL: the client's log-in */
	size_t len;
	bool by_relay; /* a relay has fetched it: the child reads body, and asks nobody */
	const uint8_t *body;
	size_t body_n;
	int session; /* pidfd of the session: the fetch ends with it */
	int broker;  /* the connection to the broker, which the child closes */
};

/*
 * Fetch, or read what was fetched.  Returns true with out filled, possibly with an error; false if the session
 * ended meanwhile.
 */
bool fetch_in_child(const struct fetch_job *job, struct usage_result *out);

#endif
