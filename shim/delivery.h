/*
 * shim/delivery.h - choosing how the secrets are used.
 */
#ifndef SHIM_DELIVERY_H
#define SHIM_DELIVERY_H

#include <stdbool.h>
#include "base/paths.h"
#include "wire/policy.h"

struct failure;
struct provider;
struct target;

struct delivery_choice {
	enum delivery delivery; /* never AUTO; without meaning when there is no secret */
	bool first_party;	/* RELAY: the client takes it for http://api.anthropic.com too */
	char child
		[PATH_SIZE]; /* the client's program, where the target runs it as a child; or "" */
	char why[160];	     /* RELAY: what is known of the client.  Another, which auto takes
			* instead of it: why.  Else "" */
};

/*
 * The delivery that the provider's policy asks for and the target allows.  try_client:
 * the client may be run to see what it supports (shim/probe.h).  0, or -1 with FAIL_POLICY.
 */
int delivery_choose(const struct provider *p, const struct target *t, bool try_client,
		    struct delivery_choice *out, struct failure *f);

/*
 * Does the target take a relay?  It is run to find out where that is not known.  1 it does, 0 not,
 * -1 not known; why and child of out say more.
 */
int delivery_try_relay(const struct target *t, struct delivery_choice *out);

#endif
