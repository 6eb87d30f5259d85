/*
 * dial/user_broker.h - reaching the user's own broker.
 */
#ifndef DIAL_USER_BROKER_H
#define DIAL_USER_BROKER_H

#include <stdbool.h>

struct dial;
struct failure;

/* Does this errno of connect(2) say that no process listens? */
bool socket_has_no_listener(int err);

/* Connect to d->path, within d's deadline if there is one.  A descriptor, or -1 with errno. */
int socket_connect(struct dial *d, struct failure *f);

/*
 * Connect d, which is initialised and not connected, to the user's own broker; start:
 * start one if none is running.  0, or -1 as dial_open.
 */
int user_broker_open(struct dial *d, bool start, struct failure *f);

/*
 * Is there a broker beside the one that d reached, or where it reached none (d->fd is -1), whose
 * socket bore the name d->path and lost it?  What a request of `lock` was answered is not true of that
 * one.  0: none is seen; -1: FAIL_BUSY.
 */
int user_broker_check_hidden(const struct dial *d, struct failure *f);

#endif
