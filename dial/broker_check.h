/*
 * dial/broker_check.h - is the process that answered a broker?
 */
#ifndef DIAL_BROKER_CHECK_H
#define DIAL_BROKER_CHECK_H

struct dial;
struct failure;
struct sock_control;

/*
 * Check the process that sent the first answer on d, whose ancillary data is given.  Returns 0, or -1
 * with FAIL_PEER.  Where the kernel does not name senders (sock_names_sender), 0 is about the process
 * that has the answer's PID now, which d->looked_at is a pidfd of: broker_check_same has to follow.
 */
int broker_check(struct dial *d, const struct sock_control *answer, struct failure *f);

/*
 * MUST be called before the next request is sent: nothing may have been sent yet that would be taken
 * for its answer, or a process that had that PID before can have left it.  0; or -1 with FAIL_PEER, or
 * FAIL_NO_BROKER: the connection has ended, and d->unanswered is set.
 */
int broker_check_silent(struct dial *d, struct failure *f);

/*
 * After that answer, which came from the same PID: the process that was looked at lives, so it sent
 * it.  From now on it may be trusted with a secret.  0 or -1 with FAIL_PEER.
 */
int broker_check_same(const struct dial *d, struct failure *f);

/* Nobody was looked at: the next answer is a connection's first.  Safe twice. */
void broker_check_forget(struct dial *d);

#endif
