/*
 * dial/broker_check.h - is the process that answered a broker?
 */
#ifndef DIAL_BROKER_CHECK_H
#define DIAL_BROKER_CHECK_H

struct dial;
struct failure;
struct sock_control;

/*
 * Check the process that sent the first answer on d, whose ancillary data is given.
 * Returns 0: it may be trusted with a secret; or -1 with FAIL_PEER.  Sets
 * d->peer_younger.
 */
int broker_check(struct dial *d, const struct sock_control *answer, struct failure *f);

#endif
