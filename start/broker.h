/*
 * start/broker.h - starting a broker.
 */
#ifndef START_BROKER_H
#define START_BROKER_H

struct failure;

/*
 * Start ccbroker detached from this process (own session, no inherited
 * descriptors, a bare environment), wait until it serves, and start what watches
 * for suspend and screen lock.  Success too when another broker holds the vault
 * already.  Returns 0, or -1 with what the
 * broker said.
 */
int start_broker(struct failure *f);

#endif
