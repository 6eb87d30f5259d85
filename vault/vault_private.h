/*
 * vault/vault_private.h - the open vault, for the files of vault/ alone.
 */
#ifndef VAULT_VAULT_PRIVATE_H
#define VAULT_VAULT_PRIVATE_H

#include <stdint.h>
#include "vault/crypto.h"
#include "vault/entry.h"
#include "vault/images.h"
#include "vault/limits.h"
#include "vault/lock_settings.h"
#include "vault/slot_format.h"
#include "wire/image.h"

struct arena;

enum undo_kind { UNDO_NONE, UNDO_ENTRY, UNDO_RENAME, UNDO_SLOTS, UNDO_LOCK_SETTINGS, UNDO_IMAGES };

/* How to take the last change back. */
struct undo {
	enum undo_kind kind;
	char name[NAME_MAX_LEN + 1]; /* the entry to drop or rename; "" for none */
	char was[NAME_MAX_LEN + 1];  /* its name before */
	struct entry *old;	     /* the entry to put back, owned; or NULL */
	struct slot *slots;	     /* all of them as they were, owned */
	unsigned slot_count;
	uint32_t next_slot;
	uint8_t *key; /* the vault key before, in the arena; or NULL */
	struct lock_settings lock_settings;
	struct image *images; /* all of them as they were, owned */
	unsigned image_count;
};

struct vault {
	struct arena *arena;
	uint8_t *key; /* the vault key, in the arena; NULL in a narrowed vault */
	uint8_t key_hash[BLAKE2B_256_LEN]; /* of a narrowed vault's: it knows it again */
	struct lock_settings lock_settings;
	uint64_t generation;
	unsigned version; /* of the file that it was opened from, or 0 */
	uint8_t id[VAULT_ID_LEN];
	uint32_t next_slot; /* the id of the next slot; ids are not used twice */
	unsigned slots;
	struct slot slot[VAULT_SLOTS_MAX];
	struct image image[IMAGES_MAX]; /* the one that was kept longest ago first */
	unsigned images;
	struct entry **entry; /* in order of name; tokens are in the arena */
	unsigned count, room;
	struct undo undo;
};

#endif
