/*
 * broker/relay_keeper.h - starting ccrun-relay for a broker that can start nothing.
 *
 * The serving broker's sandbox allows neither fork nor exec nor connect.  So it forks a
 * *keeper* before it enters the sandbox (broker/attendant.h), which starts relays on
 * request, holds no secret, ends with the broker, and is in a sandbox of its own: it cannot
 * read the vault, nor run anything of the user's but the relay.  No client can start a relay or connect to one in
 * the broker's place: what a relay gets, it gets over a channel that the broker made.
 *
 * A user broker's keeper executes libexec/ccrun/ccrun-relay as it was when the broker
 * started, with an empty environment and one end of a socket pair as descriptor 3.  The system broker's keeper connects
 * to SYSTEM_RELAY_SOCKET, where systemd starts a relay with a uid of its own.
 */
#ifndef BROKER_RELAY_KEEPER_H
#define BROKER_RELAY_KEEPER_H

#include <stdbool.h>

struct failure;

/*
 * Fork the keeper.  MUST be called before there is a secret in memory, and before any
 * descriptor is open that a relay must not inherit.  0, also where no ccrun-relay is
 * installed, which relay_keeper_start_relay says then; or -1.
 */
int relay_keeper_start(bool system, struct failure *f);

/*
 * Have a relay started.  Returns the broker's end of its channel, close-on-exec and
 * non-blocking; or -1 with FAIL_NO_ENTRY (none is installed, or systemd does not listen),
 * FAIL_UNSAFE_PATH (another than root could answer), FAIL_TIMEOUT, FAIL_SYSTEM (the
 * keeper has ended, for one).
 */
int relay_keeper_start_relay(struct failure *f);

/* Could one be started, as far as that can be told without starting it?  0, or -1 likewise. */
int relay_keeper_check(struct failure *f);

/* Has the keeper ended?  Nothing but a new broker brings it back. */
bool relay_keeper_ended(void);

#endif
