/*
 * vault/vault.h - an open vault: creating, opening, sealing.  docs/VAULT.md is the
 * format.  Nothing in vault/ touches a file; broker/vault_store.c reads and writes it.
 *
 * The box in the file is one XChaCha20-Poly1305 over lock settings and entries
 * under the vault key, with all that stands before it as associated data; each
 * slot wraps the vault key.
 *
 * Its parts: entries.h, tokens.h, slots.h, lock_settings.h, and undo.h for the
 * last change of any of them.
 */
#ifndef VAULT_VAULT_H
#define VAULT_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vault/limits.h"
#include "wire/limits.h"

struct arena;
struct entry;
struct failure;
struct slot_info;
struct vault;

/*
 * A new, empty vault (generation 0) with one slot: info, whose id is set to 1, and
 * the key that wraps it, which is not kept.  NULL on failure.
 */
struct vault *vault_create(struct arena *a, struct slot_info *info, const uint8_t key[KEY_LEN],
			   struct failure *f);

/* Open a file of n bytes with the key of slot id `slot`.  NULL with FAIL_WRONG_KEY when
 * the slot does not open, FAIL_NO_ENTRY when there is no such slot, else as vault_inspect. */
struct vault *vault_open(struct arena *a, const uint8_t *file, size_t n, uint32_t slot,
			 const uint8_t key[KEY_LEN], struct failure *f);

/* Does the key open this slot of an open vault?  As vault_open, but nothing is read: the
 * file may be another one by now.  0 or -1. */
int vault_check_key(const struct vault *v, uint32_t slot, const uint8_t key[KEY_LEN],
		    struct failure *f);

/* Wipe and free.  NULL-safe. */
void vault_free(struct vault *v);

/*
 * Lock an open vault except for some entries: wipe the vault key, and all entries but
 * those that have their token in memory and that keep says yes to.  What stays
 * can be found; nothing can be written (FAIL_LOCKED).  Returns v, or NULL when no
 * entry stays: v is freed then.
 */
struct vault *vault_narrow(struct vault *v, bool (*keep)(const struct entry *e));

/*
 * Bring all sleeping tokens back into memory, from the n bytes of the vault's
 * present file; vault_seal needs them.  0, or -1 with FAIL_LOCKED (a narrowed vault),
 * FAIL_CHANGED (the file is another vault's or of another generation), or as
 * vault_inspect.
 */
int vault_tokens_wake(struct vault *v, const uint8_t *file, size_t n, struct failure *f);

/*
 * Encrypt the next generation into *out, *n bytes of a file; the caller frees *out.
 * It counts only after vault_commit.  0, or -1 with FAIL_LOCKED (a narrowed vault, or a
 * token sleeps), FAIL_TOO_LARGE, FAIL_NO_MEMORY.
 */
int vault_seal(struct vault *v, uint8_t **out, size_t *n, struct failure *f);

/* The bytes of the last vault_seal are on disk: count the generation, forget undo. */
void vault_commit(struct vault *v);

/*
 * A file of its own with all of v's entries: another id, another vault key, one
 * slot, generation 1.  0, or -1 as vault_seal.  The caller frees *out.
 */
int vault_backup(struct vault *v, struct slot_info *info, const uint8_t key[KEY_LEN], uint8_t **out,
		 size_t *n, struct failure *f);

uint64_t vault_generation(const struct vault *v);

/*
 * Was the file that v was opened from written by a ccrun that keeps a checkpoint of the audit
 * log?  Its version says so, which is authenticated.  False: that cannot be told.
 */
bool vault_had_checkpoint(const struct vault *v);

/* A key of its own for one purpose, from which nobody learns the vault key.  It changes
 * with the vault key.  v must not be narrowed. */
void vault_derive_key(const struct vault *v, const char *purpose, uint8_t out[KEY_LEN]);

/* Make the next generation higher than g, that of the file that is to be replaced.  A
 * number so high that no vault reaches it is ignored: it was forged. */
void vault_raise_generation(struct vault *v, uint64_t g);

/* VAULT_ID_LEN bytes. */
const uint8_t *vault_id(const struct vault *v);

#endif
