/*
 * client/slots/vault_make.h - making a vault.
 */
#ifndef CLIENT_SLOTS_VAULT_MAKE_H
#define CLIENT_SLOTS_VAULT_MAKE_H

#include <stdbool.h>
#include "vault/vault.h"
#include "vault/slot.h"

struct client;
struct failure;

/*
 * Make a vault whose first slot is of that kind, and leave it unlocked; c is
 * connected to its broker.  pass_fd: where the passphrase of a passphrase slot is
 * read, -1 for the terminal.  system: in the system broker, else in the user's own.
 * FAIL_EXISTS when this user has a vault in either.  0 or -1.
 */
int vault_make(struct client *c, enum slot_kind kind, int pass_fd, bool system, struct failure *f);

#endif
