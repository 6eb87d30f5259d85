/*
 * client/slots/slot_key.h - the key of a slot that exists: from the keyring, the TPM, a
 * keyfile, or derived from what a person typed.  Keys have KEY_LEN bytes in the arena.
 */
#ifndef CLIENT_SLOTS_SLOT_KEY_H
#define CLIENT_SLOTS_SLOT_KEY_H

#include <stdbool.h>
#include <stdint.h>
#include "vault/vault.h"

struct client;
struct failure;
struct kdf_params;
struct secret;
struct slots;
struct slot_view;

/* The key of a keyring or tpm2 slot.  prompt: the keyring may show a dialog.  0 or -1. */
int slot_key_fetch(struct client *c, const struct slots *all, const struct slot_view *s,
		   bool prompt, struct secret *key, struct failure *f);

/* Open a keyfile with this user's host key: *id is its slot.  0 or -1. */
int slot_key_from_keyfile(struct client *c, const char *file, const struct slots *all, uint32_t *id,
			  struct secret *key, struct failure *f);

/* kdf_derive, which tells a person who waits for it. */
int slot_derive(const struct kdf_params *p, const struct secret *pass, struct secret *key,
		struct failure *f);

/* Ask the broker to unlock the vault with slot id and its key (KEY_LEN bytes).  0 or -1. */
int slot_unlock(struct client *c, uint32_t id, const uint8_t *key, struct failure *f);

/* Does this key open slot id?  0, or -1: FAIL_WRONG_KEY means no, anything else stops. */
typedef int slot_try(struct client *c, uint32_t id, const uint8_t *key, void *arg,
		     struct failure *f);

/*
 * Find the slot that opens with what was typed: call try, connected, with each passphrase slot,
 * or each recovery slot if it is a recovery code, until it returns 0.  FAIL_WRONG_KEY
 * when none opens.  0 or -1.
 */
int slot_key_typed(struct client *c, const struct slots *all, const struct secret *typed,
		   slot_try *try, void *arg, struct failure *f);

/* What was typed is in typed: find the slot, and do what is to be done with its key.
 * FAIL_WRONG_KEY: ask again.  0 or -1. */
typedef int slot_typed(struct client *c, const struct slots *all, const struct secret *typed,
		       struct failure *f);

/* Ask on the terminal for what opens one of the slots, TRIES times.  0 or -1. */
int slot_key_ask(struct client *c, const struct slots *all, slot_typed *try, struct failure *f);

/* Remove the slot's item from the keyring; what cannot be removed is printed. */
void slot_keyring_erase(struct client *c, const uint8_t vault[VAULT_ID_LEN], uint32_t id);

#endif
