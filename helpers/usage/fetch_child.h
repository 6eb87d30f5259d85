/*
 * helpers/usage/fetch_child.h - a fetch in a process of its own.
 *
 * WHY a process: what a stranger sends (TLS, HTTP, JSON) is read by code that
 * is large and not ours.  The child that runs it is caged, is given one key and
 * one address, hands back one fixed struct that is checked, and ends; with it
 * goes every copy that a library made of the key.  It has no connection to the
 * broker.  The worker itself never starts libcurl, and stays small.
 */
#ifndef HELPERS_USAGE_FETCH_CHILD_H
#define HELPERS_USAGE_FETCH_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "helpers/usage/usage_kind.h"

struct usage_result;

struct fetch_job {
	const struct usage_kind *kind;
	struct usage_target target;
	uint8_t *token; /* wiped once the child has it; NULL: the client's own, which the child reads itself */
	size_t len;
	int session;	      /* pidfd: when that process ends, so does the fetch */
	int broker;	      /* a descriptor that the child closes */
};

/*
 * Fetch.  Returns 0 with out (an error in it, at worst), 1 when the session
 * ended meanwhile.
 */
int fetch_in_child(const struct fetch_job *job, struct usage_result *out);

#endif
