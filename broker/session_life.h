/*
 * broker/session_life.h - what may happen to a session, and what it is then.
 *
 * One table; nothing else changes a session's state.  tests/proofs/session.pml has it as it
 * is here (tests/proofs/show_session.c prints it) and looks at all that can follow.
 */
#ifndef BROKER_SESSION_LIFE_H
#define BROKER_SESSION_LIFE_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/policy.h"

struct session;

enum session_state {
	SESSION_NONE,
	SESSION_OPENED,	 /* granted; ccrun is about to exec the client */
	SESSION_ARRIVED, /* the preloaded library runs, and its process was looked at */
	SESSION_LIVE	 /* the secrets were handed over */
};

enum session_event {
	SESSION_OPEN,	/* what it asks for was granted */
	SESSION_ARRIVE, /* the library says so from the new image */
	SESSION_CLAIM,	/* the secrets go to the process, in a message */
	SESSION_PIPE,	/* the secret goes into a pipe */
	SESSION_RELAY,	/* the secrets go to a relay; its channel has the session from then on,
			 * and the connection that it was opened on has none */
	SESSION_AGAIN	/* the process is about to exec: its next image may claim once more */
};

/* One row: with this delivery and in this state the event may come. */
struct session_step {
	enum session_event event;
	enum session_state from;
	bool resumed; /* only after SESSION_AGAIN, before the next claim */
	int delivery; /* or -1: any */
	enum session_state to;
};

/* The table; *n is set to its rows. */
const struct session_step *session_steps(size_t *n);

/* May this happen to the session now? */
bool session_may(const struct session *s, enum session_event event);

/* It has happened: what session_may allowed. */
void session_step(struct session *s, enum session_event event);

#endif
