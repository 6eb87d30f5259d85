/*
 * client/slots/vault_make.h - making a vault.
 */
#ifndef CLIENT_SLOTS_VAULT_MAKE_H
#define CLIENT_SLOTS_VAULT_MAKE_H

#include "dial/dial.h"
struct client;
struct failure;

/*
 * Make a vault that a passphrase opens, and leave it unlocked; c is connected to its
 * broker.  pass_fd: where the passphrase is read, -1 for the terminal; this run knows
 * the person then (person.h).  where: DIAL_ANY is the system broker where one runs, for
 * no program of the user's can read its vault, else the user's own.  FAIL_EXISTS when
 * this user has a vault in either.  0 or -1.
 */
int vault_make(struct client *c, int pass_fd, enum dial_where where, struct failure *f);

#endif
