/*
 * broker/policy.h - may this request have this entry?  Pure: no system call,
 * no vault, no clock; everything it decides on is in its arguments.
 */
#ifndef BROKER_POLICY_H
#define BROKER_POLICY_H

#include <stdbool.h>
#include "wire/policy.h"

struct failure;
struct entry;

/* What is asked for one entry. */
struct policy_request {
	const char *origin;   /* where the provider file would send the token */
	const char *variable; /* as which variable */
	enum delivery delivery; /* what ccrun would use: PRELOAD, PIPE or ENV */
	bool strict;	      /* the files ask for strict */
	const char *config_dir; /* the client's directory that they ask for; "" or NULL: its own */
	bool marked;	      /* the requester descends from a session */
};

/*
 * 0, and *strict says whether best effort must be refused from here on; or -1
 * with FAIL_MARKED, FAIL_ORIGIN or FAIL_POLICY.  A sealed policy that cannot
 * be parsed is a refusal.
 */
int policy_decide(const struct entry *e, const struct policy_request *q, bool *strict, struct failure *f);

/* May an entry be given this policy and variable at all? */
int policy_check_entry(const struct entry *e, struct failure *f);

/* Does the client keep this variable from MCP servers and hooks by itself? */
bool policy_client_blanks(const char *variable);

#endif
