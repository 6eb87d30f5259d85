/*
 * start/broker.h - starting a broker.
 */
#ifndef START_BROKER_H
#define START_BROKER_H

struct failure;

/*
 * Start ccbroker detached from this process (own session, no inherited
 * descriptors, a bare environment), wait until it serves, and start the watcher
 * for suspend and screen lock.  Success too when another broker holds the vault
 * already.  Returns 0, or -1 with what the broker reported.
 */
int broker_start(struct failure *f);

#endif
