/*
 * broker/listener.h - the socket that clients connect to.
 *
 * The directory of a user broker's socket goes when logind sees the user's last log-out, and
 * comes back, empty, with the next log-in; and any program of the user's can remove the
 * file.  The broker lives on, with live sessions, so it looks from time to time whether its
 * socket is still there and listens again.  Its sandbox forbids that, so an attendant
 * (broker/attendant.h) does it, in a sandbox of its own.
 */
#ifndef BROKER_LISTENER_H
#define BROKER_LISTENER_H

#include <stdbool.h>

struct broker;
struct failure;

/* Fork the attendant, for a user broker.  MUST be called before there is a secret in
 * memory.  0 or -1. */
int listener_start(struct failure *f);

/*
 * Listen: on the inherited socket, unless that is -1, or where clients look.  The lock of the
 * user's vault is held, and says from now on where (store_say_socket).  b->listener and
 * b->socket are set.  0 or -1.
 */
int listener_open(struct broker *b, int inherited, struct failure *f);

/*
 * Is the socket gone?  Then have the attendant make another; it never waits for that.
 * Returns a new listening descriptor, which replaces b->listener (the caller closes that
 * one and watches the new), or -1: there is none, now.  b->socket and the vault's lock are
 * in step with it.
 */
int listener_renew(struct broker *b);

/*
 * Would clients not find the user's broker?  For vault.lock is no longer the one that it holds,
 * or no socket could be made for HIDDEN_MS where they look.  They would take it that nothing is
 * unlocked, and start another broker.  It looks once a second.
 */
bool listener_is_hidden(const struct broker *b);

#endif
