/*
 * secure/vault.h - the vault's bytes: slots, the sealed box, the entries.
 * docs/VAULT.md is the format.  Nothing here touches a file: see broker/store.
 *
 * On disk, little-endian:
 *   magic "ccrunvlt" | u16 version=1 | u16 flags=0 | u64 total file length
 *   | u64 generation | 16 vault id | u16 slot count | slots
 *   | 24 nonce | u64 box length | box (XChaCha20-Poly1305, AD = all before the
 *   nonce's end) | 32 BLAKE2b-256 of everything before
 * slot: u16 kind | u16 body length | u32 id | u64 created | u8 label length
 *   | label | body.   passphrase body: u32 alg | u64 ops | u64 mem | 16 salt
 *   | 24 nonce | 48 wrapped vault key (AD = vault id + the slot's own bytes
 *   before the nonce).  Other kinds: nonce and wrapped key alone.
 */
#ifndef SECURE_VAULT_H
#define SECURE_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "secure/kdf.h"
#include "wire/limits.h"

struct failure;
struct arena;

#define VAULT_FILE_MAX (512 * 1024) /* larger is refused before it is read */
#define VAULT_SLOTS_MAX 64
#define VAULT_ENTRIES_MAX 1024
#define SLOT_LABEL_MAX 64
#define VAULT_ID_LEN 16

enum slot_kind { SLOT_PASSPHRASE = 1, SLOT_KEYRING = 2, SLOT_KEYFILE = 3,
		 SLOT_CREDENTIAL = 4, SLOT_TPM2 = 5, SLOT_RECOVERY = 6 };

/* What anyone who can read the file learns of a slot. */
struct slot_info {
	uint32_t id;	/* never reused within a vault */
	enum slot_kind kind;
	uint64_t created; /* seconds since the epoch */
	char label[SLOT_LABEL_MAX + 1]; /* printable ASCII */
	struct kdf_params kdf; /* passphrase slots */
};

struct entry {
	char name[NAME_MAX_LEN + 1];
	char origin[ORIGIN_MAX_LEN + 1];   /* where the token may go */
	char variable[VARIABLE_MAX_LEN + 1]; /* as which variable */
	char policy[POLICY_MAX_LEN + 1];   /* canonical text, wire/policy.h */
	uint64_t created, changed, used;   /* seconds since the epoch; 0 never */
	const uint8_t *token;		   /* in the arena */
	size_t token_len;
};

struct vault;

/* ---- what needs no key ---- */

/* The public part of a vault file, checked. */
struct vault_public {
	uint64_t generation;
	uint8_t id[VAULT_ID_LEN];
	unsigned slots;
	struct slot_info slot[VAULT_SLOTS_MAX];
};

/*
 * Check a whole file without a key, in this order and each with its own error:
 * over VAULT_FILE_MAX (FAIL_TOO_LARGE), not a vault (FAIL_DAMAGED), too
 * short for its own length (FAIL_TRUNCATED), checksum (FAIL_DAMAGED), version
 * (FAIL_NEWER), structure (FAIL_DAMAGED; an unknown slot kind is FAIL_NEWER),
 * KDF costs (FAIL_KDF_BOUNDS).
 */
int vault_inspect(const uint8_t *file, size_t n, struct vault_public *out, struct failure *f);

const char *slot_kind_name(enum slot_kind k);
int slot_kind_from_name(const char *name); /* -1 when unknown */

/* ---- the open vault ---- */

/* A new, empty vault (generation 0) with one slot: info (its id is set) and
 * the key that wraps it.  key may be anywhere; it is not kept. */
struct vault *vault_create(struct arena *a, struct slot_info *info,
			   const uint8_t key[KEY_LEN], struct failure *f);

/* Open a file with slot id's wrapping key.  FAIL_WRONG_KEY when the slot does
 * not open, FAIL_NO_ENTRY when there is no such slot, else as vault_inspect. */
struct vault *vault_open(struct arena *a, const uint8_t *file, size_t n, uint32_t slot,
			 const uint8_t key[KEY_LEN], struct failure *f);

/* Wipe and free.  NULL-safe. */
void vault_free(struct vault *v);

/*
 * The next generation as file bytes (ciphertext; the caller frees *out).  The
 * generation counts only once vault_sealed() says that it is on disk.
 */
int vault_seal(struct vault *v, uint8_t **out, size_t *n, struct failure *f);
void vault_sealed(struct vault *v);

uint64_t vault_generation(const struct vault *v);
const uint8_t *vault_id(const struct vault *v);

unsigned vault_count(const struct vault *v);
/* Entry i in order of name; NULL past the end.  Valid until the next change. */
const struct entry *vault_at(const struct vault *v, unsigned i);
const struct entry *vault_find(const struct vault *v, const char *name);

/*
 * Add or replace by e->name; the token is copied into the arena.  created is
 * kept on replacement.  Every put, remove and rename can be undone until the
 * next one: vault_undo brings the state before it back (used when the write to
 * disk failed: what is not on disk is not acknowledged and not kept).  So can
 * adding and removing a slot.  vault_sealed ends it: what was replaced or
 * removed is wiped then.  A change that failed leaves nothing to undo.
 */
int vault_put(struct vault *v, const struct entry *e, struct failure *f);
int vault_remove(struct vault *v, const char *name, struct failure *f); /* FAIL_NO_ENTRY */
int vault_rename(struct vault *v, const char *from, const char *to, struct failure *f);
void vault_undo(struct vault *v);
void vault_mark_used(struct vault *v, const char *name, uint64_t when); /* not undone */

unsigned vault_slots(const struct vault *v);
const struct slot_info *vault_slot(const struct vault *v, unsigned i);
/* info->id is set.  FAIL_EXISTS past VAULT_SLOTS_MAX. */
int vault_slot_add(struct vault *v, struct slot_info *info, const uint8_t key[KEY_LEN], struct failure *f);
/* The last slot is refused (FAIL_POLICY). */
int vault_slot_remove(struct vault *v, uint32_t id, struct failure *f);

#endif
