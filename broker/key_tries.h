/*
 * broker/key_tries.h - how often a uid may try a slot's key in vain.
 *
 * A user's program cannot read the vault's file of the system broker.  But it is told with which
 * salt and costs a passphrase is derived from, can do that elsewhere, and ask here which of its
 * guesses was right: thousands a second.  Where it can read the file, it needs nobody for that.
 */
#ifndef BROKER_KEY_TRIES_H
#define BROKER_KEY_TRIES_H

struct failure;
struct tenant;

/* Before a key that a client brought is tried.  0, or -1 with FAIL_BUSY. */
int key_tries_check(struct tenant *t, struct failure *f);

/* It was tried, and failed: f says why. */
void key_tries_note(struct tenant *t, const struct failure *f);

#endif
