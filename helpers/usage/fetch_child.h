/*
 * helpers/usage/fetch_child.h - fetch a quota in a process of its own.
 *
 * Large libraries parse what the server sends (TLS, HTTP, JSON).  They run in a child
 * that is sandboxed, has one key, one URL and no connection to the broker, returns one
 * struct of fixed size, which is checked, and exits.  Its end also destroys the copies
 * of the key that the libraries made.
 */
#ifndef HELPERS_USAGE_FETCH_CHILD_H
#define HELPERS_USAGE_FETCH_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "helpers/usage/usage_kind.h"

struct usage_result;

/* What to fetch. */
struct fetch_job {
	const struct usage_kind *kind;
	struct usage_target target;
	uint8_t *token; /* wiped once the child has it; NULL: the client's log-in */
	size_t len;
	int session; /* pidfd of the session: the fetch ends with it */
	int broker;  /* the connection to the broker, which the child closes */
};

/*
 * Fetch.  Returns true with out filled, possibly with an error; false if the session
 * ended meanwhile.
 */
bool fetch_in_child(const struct fetch_job *job, struct usage_result *out);

#endif
