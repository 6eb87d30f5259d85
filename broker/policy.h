/*
 * broker/policy.h - may this request have this entry?  No system call, no vault, no
 * clock: every decision depends on the arguments alone.
 */
#ifndef BROKER_POLICY_H
#define BROKER_POLICY_H

#include <stdbool.h>
#include "wire/policy.h"

struct failure;
struct entry;

/* What a request says that it will do with one entry. */
struct policy_request {
	const char *origin;	/* the endpoint that the provider's files name now */
	const char *variable;	/* the environment variable that will carry it */
	enum delivery delivery; /* never DELIVERY_AUTO */
	bool strict;		/* the files ask for strict */
	enum confine confine;	/* how the session is confined */
	const char *config_dir; /* the client's directory that they name; "" or NULL: its own */
	const char *env;	/* seal_digest of the [env] that is sealed; "" or NULL: none */
	const char *ca;		/* seal_digest of the file of authorities; "" or NULL: none */
	const char *prices; /* seal_digest of the prices that it brings; "": it brings none, NULL:
				 * those of the session that it is inside count */
	bool marked;	    /* the requester is inside a session, or says so by a ticket */
	bool ticket;	    /* it showed that session's ticket, which is for this entry */
};

/*
 * Decide by the entry's sealed policy.  0, and *strict is set where best effort must
 * be refused from here on; or -1 with FAIL_MARKED, FAIL_ORIGIN (origin, variable,
 * config_dir, env or ca differ from the sealed ones, or with a limit in money the
 * prices, or the sealed origin names no address),
 * FAIL_POLICY, or FAIL_BAD_VALUE: the sealed policy cannot be parsed.
 */
int policy_decide(const struct entry *e, const struct policy_request *q, bool *strict,
		  struct failure *f);

/*
 * May a limit in the policy count by prices of that digest ("" for none)?  One in money counts by
 * the sealed ones alone; without one they limit nothing.
 */
bool policy_prices_hold(const struct policy *p, const char *digest);

/* May an entry have this policy and variable at all?  FAIL_POLICY, FAIL_BAD_VALUE. */
int policy_check_entry(const struct entry *e, struct failure *f);

/*
 * Is the entry sealed for an address?  FAIL_ORIGIN for a key of no provider yet: nobody has a
 * use for its value, so whoever asks for it, by the very word that it is sealed for, is no
 * launch.
 */
int policy_check_bound(const struct entry *e, struct failure *f);

/*
 * May a process that is no session have the entry's value, rather than a relay use it?  Not if
 * it is sealed so, or for no address, or has a limit or a place in requests, that a relay alone
 * serves; and not without the yes that a session needs.
 */
bool policy_is_readable(const struct entry *e, const struct policy *p);

/* Does the client itself keep this variable from MCP servers and hooks? */
bool policy_client_blanks(const char *variable);

#endif
