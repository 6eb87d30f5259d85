/*
 * vault/slots.h - the slots of an open vault.  vault_undo takes a change back.
 */
#ifndef VAULT_SLOTS_H
#define VAULT_SLOTS_H

#include <stdint.h>
#include "vault/slot.h"
#include "wire/limits.h"

struct failure;
struct vault;

unsigned vault_slots(const struct vault *v);

/* Slot i in the file's order; NULL past the end.  Valid until the next change. */
const struct slot_info *vault_slot(const struct vault *v, unsigned i);

/* The id that the next slot gets. */
uint32_t vault_next_slot(const struct vault *v);

/* Add a slot that key opens; info->id is set.  0, or -1 with FAIL_TOO_LARGE (there
 * are VAULT_SLOTS_MAX, or no id is left), FAIL_LOCKED, or as slot_info_check. */
int vault_slot_add(struct vault *v, struct slot_info *info, const uint8_t key[KEY_LEN],
		   struct failure *f);

/* FAIL_NO_ENTRY; FAIL_POLICY for the last slot. */
int vault_slot_remove(struct vault *v, uint32_t id, struct failure *f);

/* Put a new slot in the place of slot id, in one change (another passphrase). */
int vault_slot_replace(struct vault *v, uint32_t id, struct slot_info *info,
		       const uint8_t key[KEY_LEN], struct failure *f);

struct slot_key {
	uint32_t id;
	const uint8_t *key; /* KEY_LEN bytes */
};

/*
 * Draw a new vault key for everything that is written from now on.  Only the n
 * slots in keep stay, each wrapped anew under its own key.  0, or -1 with
 * FAIL_NO_ENTRY, FAIL_BAD_VALUE (a slot twice, or none at all).
 */
int vault_rekey(struct vault *v, const struct slot_key *keep, unsigned n, struct failure *f);

#endif
