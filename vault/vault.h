/*
 * vault/vault.h - the vault's bytes: slots, the sealed box, the entries.
 * docs/VAULT.md is the format.  Nothing here touches a file: see broker/store.
 *
 * A file is: head | slots | nonce | box length | box | checksum.  The box is one
 * XChaCha20-Poly1305 over settings and entries under the vault key, with all
 * that stands before it as associated data; each slot wraps the vault key.
 */
#ifndef VAULT_VAULT_H
#define VAULT_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vault/kdf.h"
#include "wire/limits.h"
#include "wire/source.h"

struct failure;
struct arena;

#define VAULT_FILE_MAX (512 * 1024) /* larger is refused before it is read */
#define VAULT_SLOTS_MAX 64
#define VAULT_ENTRIES_MAX 1024
#define SLOT_LABEL_MAX 64
#define SLOT_MATERIAL_MAX 1024 /* what a slot's kind keeps in the open: a TPM's blob, a host's public key */
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
	size_t material_len;   /* keyfile: the host's public key; tpm2: the sealed blob */
	uint8_t material[SLOT_MATERIAL_MAX];
};

/* What locks the vault by itself.  Sealed with the entries, so that no file
 * can loosen it. */
enum { LOCK_SUSPEND = 1, LOCK_SCREEN = 2, LOCK_LOGOUT = 4, LOCK_EVENTS_ALL = 7 };
#define LOCK_TIME_MAX (366ull * 24 * 3600) /* seconds */
struct lock_settings {
	uint64_t idle;	 /* seconds without a request that used the vault; 0: for ever */
	uint64_t longest; /* seconds since it was opened; 0: for ever */
	unsigned events; /* LOCK_SUSPEND | ... */
};

struct entry {
	char name[NAME_MAX_LEN + 1];
	char origin[ORIGIN_MAX_LEN + 1];   /* where the token may go */
	char variable[VARIABLE_MAX_LEN + 1]; /* as which variable */
	char policy[POLICY_MAX_LEN + 1];   /* canonical text, wire/policy.h */
	uint64_t created, changed, used;   /* seconds since the epoch; 0 never */
	const struct entry_source *source; /* NULL: the token itself is in the vault */
	const uint8_t *token;		   /* in the arena; NULL while it sleeps, or was not fetched */
	size_t token_len;
	int64_t since; /* io_now_ms() when the vault was opened or the token came; not stored */
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

/* A new, empty vault (generation 0) with one slot: info (its id is set, to 1)
 * and the key that wraps it.  id: the vault's, NULL for a random one.  key may
 * be anywhere; it is not kept. */
struct vault *vault_create(struct arena *a, const uint8_t id[VAULT_ID_LEN], struct slot_info *info,
			   const uint8_t key[KEY_LEN], struct failure *f);

/* Open a file with slot id's wrapping key.  FAIL_WRONG_KEY when the slot does
 * not open, FAIL_NO_ENTRY when there is no such slot, else as vault_inspect. */
struct vault *vault_open(struct arena *a, const uint8_t *file, size_t n, uint32_t slot,
			 const uint8_t key[KEY_LEN], struct failure *f);

/* Wipe and free.  NULL-safe. */
void vault_free(struct vault *v);

/*
 * Of an open vault only the entries that `keep` says yes to and that are not
 * asleep, without the vault key: they can be found, nothing can be written
 * (FAIL_LOCKED).  NULL when there is none: then it is freed.
 */
struct vault *vault_narrow(struct vault *v, bool (*keep)(const struct entry *e));

/*
 * Put an entry's token to sleep: wiped from memory, kept in the file.  Before
 * the vault is sealed again vault_tokens_wake takes the sleeping tokens from the
 * present file; vault_token_sleep then wipes them again.  FAIL_CHANGED: the file is
 * another vault's or of another generation.
 */
void vault_set_since(struct vault *v, int64_t now); /* since = now, but for fetched tokens */
void vault_token_sleep(struct vault *v, const char *name);
unsigned vault_tokens_asleep(const struct vault *v);
int vault_tokens_wake(struct vault *v, const uint8_t *file, size_t n, struct failure *f);

/*
 * The token of an entry that has a source, as it was fetched: kept in the arena
 * until it is put to sleep, and never sealed.  FAIL_NO_ENTRY: there is no such
 * entry.  vault_tokens_carry: what `from` has fetched into another view of the same
 * vault, where the same source is sealed.
 */
int vault_token_set_fetched(struct vault *v, const char *name, const uint8_t *token, size_t n, int64_t now,
		  struct failure *f);
void vault_tokens_carry(const struct vault *from, struct vault *to);

/*
 * A file of its own with all of v's entries: another id, another vault key, one
 * slot, generation 1.  No token may sleep (FAIL_LOCKED).  The caller frees *out.
 */
int vault_backup(struct vault *v, struct slot_info *info, const uint8_t key[KEY_LEN], uint8_t **out,
		 size_t *n, struct failure *f);

/* The next file gets a number above g (the file's that it takes the place of; a
 * number that no vault gets to is not followed). */
void vault_raise_generation(struct vault *v, uint64_t g);

/*
 * The next generation as file bytes (ciphertext; the caller frees *out).  The
 * generation counts only once vault_commit() says that it is on disk.
 */
int vault_seal(struct vault *v, uint8_t **out, size_t *n, struct failure *f);
void vault_commit(struct vault *v);

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
 * adding and removing a slot.  vault_commit ends it: what was replaced or
 * removed is wiped then.  A change that failed leaves nothing to undo.
 */
int vault_put(struct vault *v, const struct entry *e, struct failure *f);
int vault_remove(struct vault *v, const char *name, struct failure *f); /* FAIL_NO_ENTRY */
int vault_rename(struct vault *v, const char *from, const char *to, struct failure *f);
void vault_undo(struct vault *v);
void vault_mark_used(struct vault *v, const char *name, uint64_t when); /* not undone */

struct lock_settings vault_lock_settings(const struct vault *v);
/* Undone like a change of an entry. */
int vault_lock_settings_set(struct vault *v, const struct lock_settings *s, struct failure *f);

unsigned vault_slots(const struct vault *v);
const struct slot_info *vault_slot(const struct vault *v, unsigned i);
/* The id that the next slot gets. */
uint32_t vault_next_slot(const struct vault *v);
/* info->id is set.  FAIL_TOO_LARGE past VAULT_SLOTS_MAX. */
int vault_slot_add(struct vault *v, struct slot_info *info, const uint8_t key[KEY_LEN], struct failure *f);
/* The last slot is refused (FAIL_POLICY). */
int vault_slot_remove(struct vault *v, uint32_t id, struct failure *f);
/* A new slot in the place of slot id, in one change (another passphrase). */
int vault_slot_replace(struct vault *v, uint32_t id, struct slot_info *info,
		       const uint8_t key[KEY_LEN], struct failure *f);

/*
 * Another vault key, for everything that is written from now on.  Only the n
 * slots in keep stay, each wrapped anew under its own key.  FAIL_NO_ENTRY,
 * FAIL_BAD_VALUE (a slot twice, none at all).
 */
struct slot_key {
	uint32_t id;
	const uint8_t *key; /* KEY_LEN bytes */
};
int vault_rekey(struct vault *v, const struct slot_key *keep, unsigned n, struct failure *f);

#endif
