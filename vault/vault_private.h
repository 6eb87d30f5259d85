/*
 * vault/vault_private.h - what the vault's files share: the numbers of
 * the format, the open vault, and little-endian reading and writing.
 * docs/VAULT.md is the format.
 */
#ifndef VAULT_VAULT_PRIVATE_H
#define VAULT_VAULT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vault/vault.h"

#define VAULT_MAGIC "ccrunvlt"
#define MAGIC_LEN 8
#define VAULT_VERSION 3
#define VAULT_VERSION_PLAIN 2 /* what is written while no entry has a source, so that older programs read it */
#define VAULT_VERSION_FIRST 1 /* read, not written: no settings, no material in slots */
#define TOTAL_AT 12	/* of the total length: the same place in every version */
#define HEAD_LEN 46	/* up to and with the slot count */
#define NONCE_LEN 24	/* XChaCha20 */
#define MAC_LEN 16	/* Poly1305 */
#define SUM_LEN 32	/* BLAKE2b-256 at the file's end, in every version */
#define WRAPPED_LEN (KEY_LEN + MAC_LEN)
#define SLOT_HEAD_LEN 17 /* kind, body length, id, created, label length */
#define KDF_LEN 36	/* alg, ops, mem, salt */
#define PAD_STEP 512	/* the box grows in steps, so that token lengths do not show */
#define PLAIN_HEAD_LEN 12 /* next slot id, entry count, length of the settings */
#define LOCK_SETTINGS_LEN (3 * (FIELD_HEAD + 8))
#define FIELD_HEAD 6 /* u16 tag, u32 length */
/* A file's number is followed up to here.  Nobody writes so often; a number that
 * somebody forged must not leave the vault without room for another. */
#define GENERATION_FOLLOWED (UINT64_MAX / 2)

/* One slot as it stands in the file. */
struct slot {
	struct slot_info info;
	uint8_t nonce[NONCE_LEN];
	uint8_t wrapped[WRAPPED_LEN]; /* the vault key under the slot's key */
};

/* A file that passed every check that needs no key. */
struct vault_layout {
	unsigned version;
	uint64_t generation;
	uint8_t id[VAULT_ID_LEN];
	unsigned slots;
	struct slot slot[VAULT_SLOTS_MAX];
	size_t nonce_at; /* the box's nonce; everything before its end is authenticated */
	size_t box_at, box_len;
};

enum undo_kind { UNDO_NONE, UNDO_ENTRY, UNDO_RENAME, UNDO_SLOTS, UNDO_LOCK_SETTINGS };

/* How to take the last change back. */
struct undo {
	enum undo_kind kind;
	char name[NAME_MAX_LEN + 1]; /* the entry to drop or rename; "" for none */
	char was[NAME_MAX_LEN + 1];  /* its name before */
	struct entry *old;	     /* the entry to put back, owned; or NULL */
	struct slot *slots;	     /* all of them as they were, owned */
	unsigned slot_count;
	uint8_t *key;		     /* the vault key before, in the arena; or NULL */
	struct lock_settings lock_settings;
};

struct vault {
	struct arena *arena;
	uint8_t *key; /* the vault key, in the arena; NULL in a narrowed vault */
	struct lock_settings lock_settings;
	uint64_t generation;
	uint8_t id[VAULT_ID_LEN];
	uint32_t next_slot; /* the id of the next slot; ids are not used twice */
	unsigned slots;
	struct slot slot[VAULT_SLOTS_MAX];
	struct entry **entry; /* in order of name; tokens are in the arena */
	unsigned count, room;
	struct undo undo;
};

/* ---- vault_file.c ---- */

/* The checks of vault_inspect, into `out`. */
int vault_parse(const uint8_t *file, size_t n, struct vault_layout *out, struct failure *f);

/* What a caller gives for a slot: kind, label, KDF costs.  0 or -1. */
int slot_info_check(const struct slot_info *info, struct failure *f);

/* The slot's length in the file, and the slot written there (returns its end). */
size_t slot_size(const struct slot *s);
uint8_t *slot_write(uint8_t *p, const struct slot *s);

/* n bytes of printable ASCII, spaces included? */
bool text_ok(const void *p, size_t n);

/* The same, but any byte above 0x7f too: what other programs call their things. */
bool words_ok(const void *p, size_t n);

/* ---- vault_entries.c ---- */

/* What is allowed in an entry; the first thing that is not, or NULL. */
const char *entry_wrong(const struct entry *e);

/* Append a copy, behind all names so far.  0 or -1. */
int entries_append(struct vault *v, const struct entry *e, struct failure *f);

/* Copy the token of every sleeping entry of v from the same entry of `from`. */
int entries_wake(struct vault *v, const struct vault *from, struct failure *f);

/* Wipe and free the entries that keep says no to, and those that sleep. */
void entries_filter(struct vault *v, bool (*keep)(const struct entry *e));

/* Wipe and free all entries and the undo state. */
void entries_free(struct vault *v);

/* Forget how to take the last change back; wipes what it kept. */
void undo_drop(struct vault *v);

/* ---- vault_serial.c ---- */

/* The length of the serialized entries, padded. */
size_t entries_size(const struct vault *v);

/* The lowest version that can hold them. */
unsigned entries_version(const struct vault *v);

/* Write them to p, entries_size bytes of the arena that are zero. */
void entries_write(const struct vault *v, uint8_t *p);

/* Read them into an empty vault.  0 or -1 (FAIL_DAMAGED, FAIL_NEWER, FAIL_NO_MEMORY). */
int entries_read(struct vault *v, unsigned version, const uint8_t *p, size_t n, struct failure *f);

/* ---- vault_lock_settings.c ---- */

extern const struct lock_settings lock_settings_default;
uint8_t *lock_settings_write(uint8_t *p, const struct lock_settings *s);
int lock_settings_read(const uint8_t *p, size_t n, struct lock_settings *s, struct failure *f);

/* ---- vault_slots.c ---- */

/* The slots and the key as they were before the change.  For undo. */
void slots_undo(struct vault *v);

/* Unwrap the vault key of s into v->key.  0, or -1 with FAIL_WRONG_KEY. */
int slot_unwrap(struct vault *v, const struct slot *s, const uint8_t key[KEY_LEN], struct failure *f);

/* The largest slot, and what authenticates its wrapped key. */
#define SLOT_MAX (SLOT_HEAD_LEN + SLOT_LABEL_MAX + KDF_LEN + SLOT_MATERIAL_MAX + NONCE_LEN + WRAPPED_LEN)

/* ---- little-endian ---- */

static inline uint8_t *put_n(uint8_t *p, uint64_t v, unsigned n)
{
	while (n-- > 0) {
		*p++ = (uint8_t)(v & 0xff);
		v >>= 8;
	}
	return p;
}

static inline uint8_t *put_bytes(uint8_t *p, const void *from, size_t n)
{
	if (n)
		memcpy(p, from, n);
	return p + n;
}

/* A bounded reader: after one read past the end it is bad and yields zeros. */
struct cursor {
	const uint8_t *p;
	size_t left;
	bool bad;
};

/* n bytes, or NULL (and bad) when there are not so many. */
static inline const uint8_t *take(struct cursor *c, size_t n)
{
	const uint8_t *at = c->p;

	if (c->bad || n > c->left) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	c->left -= n;
	return at;
}

static inline uint64_t take_n(struct cursor *c, unsigned n)
{
	const uint8_t *p = take(c, n);
	uint64_t v = 0;

	while (p && n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static inline void take_into(struct cursor *c, void *out, size_t n)
{
	const uint8_t *p = take(c, n);

	if (p)
		memcpy(out, p, n);
}

#endif
