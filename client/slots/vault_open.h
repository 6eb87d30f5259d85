/*
 * client/slots/vault_open.h - opening (unlocking) the vault, with the key of one of
 * its slots.  The broker gets the key, never the passphrase that it is derived from.
 */
#ifndef CLIENT_SLOTS_VAULT_OPEN_H
#define CLIENT_SLOTS_VAULT_OPEN_H

#include <stdbool.h>
#include "vault/vault.h"
#include "vault/slot.h"

struct client;
struct failure;

/*
 * Before a verb that needs an open vault.  Opens it by what person_read_fd read, if it
 * did; without a person when the broker has just started; else asks on the terminal.
 * Makes one when there is none and a terminal is there.  FAIL_NO_VAULT, FAIL_LOCKED:
 * nobody could be asked.  0, connected to the broker, or -1.
 */
int vault_ready(struct client *c, struct failure *f);

/* Say that there is no vault, and which variable may lead astray.  Returns -1. */
int vault_fail_none(struct failure *f);

/* c is connected.  Is the vault locked because the broker has just started, and not
 * because somebody or something locked it? */
bool vault_locked_since_start(const struct client *c);

enum vault_quiet {
	VAULT_QUIET_FAILED, /* what should have opened it failed; printed */
	VAULT_QUIET_NONE,   /* no slot opens it without a person */
	VAULT_QUIET_OPENED
};

/* Open it without a person: by what the broker has (keyfile, credential), the
 * keyring, the TPM. */
enum vault_quiet vault_open_quietly(struct client *c);

/* Open it with a slot of this kind (keyring, tpm2), which may ask a person in its
 * own dialog.  0 or -1. */
int vault_open_by_kind(struct client *c, enum slot_kind kind, struct failure *f);

/* Open it with a keyfile; NULL: the one that the broker has.  0 or -1. */
int vault_unlock_with_keyfile(struct client *c, const char *file, struct failure *f);

/*
 * Open it with a passphrase or a recovery code: what person_read_fd read, else asked for
 * on the terminal, TRIES times.  The slot's key is remembered (person.h).  0 or -1.
 */
int vault_open_typed(struct client *c, struct failure *f);

/*
 * Before a verb that wants a person (person.h): connect, and open the vault if it is locked: by what person_read_fd read, else by what
 * is asked for on the terminal; then nothing is asked again.  FAIL_NO_VAULT;
 * FAIL_LOCKED: nobody could be asked.  0, connected, or -1.
 */
int vault_open_for_person(struct client *c, struct failure *f);

#endif
