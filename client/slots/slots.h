/*
 * client/slots/slots.h - the slots of the vault as the broker shows them, and making
 * new ones: for each kind, where its key comes from and where it is kept.
 */
#ifndef CLIENT_SLOTS_H
#define CLIENT_SLOTS_H

#include "client/common/common.h"
#include "vault/kdf.h"
#include "vault/keyfile.h"
#include "vault/slot.h"

struct failure;

/* One slot, in the open. */
struct slot_view {
	uint32_t id;
	enum slot_kind kind;
	char label[SLOT_LABEL_MAX + 1];
	uint64_t created;
	struct kdf_params kdf; /* passphrase */
};

struct slots {
	uint64_t generation;
	uint8_t vault[VAULT_ID_LEN];
	uint32_t next; /* the number of the next slot; 0 while locked */
	unsigned n;
	struct slot_view slot[VAULT_SLOTS_MAX];
};

/* Ask the broker; c is connected. */
int slots_fetch(struct client *c, struct slots *s, struct failure *f);

/* NULL when there is none of that number. */
const struct slot_view *slots_find(const struct slots *s, uint32_t id);
unsigned slots_count(const struct slots *s, enum slot_kind kind);

/* What a slot keeps in the open.  *n: its room, then its length. */
int slot_material(struct client *c, uint32_t id, uint8_t *out, size_t *n, struct failure *f);

/* "ccctl: note: ..." when a lost one would be the last. */
void slots_warn(uint64_t n);

/* ---- a new slot (slot_make.c) ---- */

struct new_slot {
	struct slot_info info;	 /* kind, label, costs, material; set by slot_make */
	struct secret key;	 /* wraps the vault key */
	uint8_t keyfile[KEYFILE_LEN];
	bool has_keyfile;	 /* it goes beside the vault */
	/* ---- what the person said ---- */
	int pass_fd;		 /* passphrase: -1 for the terminal */
	bool first;		 /* passphrase: of a new vault */
	const char *label;
	const char *host_file;	 /* keyfile: sealed to this public key, and written to */
	const char *out_file;	 /* this file; credential: written there, NULL for standard output */
};

/*
 * Make the key of a slot of that kind and put it where it belongs, before there
 * is the slot.  vault, id: the ones that the slot will have.  c must not hold a
 * connection that waits: a person may be asked.
 */
int slot_make(struct client *c, enum slot_kind kind, struct new_slot *s,
	      const uint8_t vault[VAULT_ID_LEN], uint32_t id, struct failure *f);

/*
 * The slot was not added after all: take back what slot_make put elsewhere.
 * sent: the broker was asked to add it; where it did not say no, and may have
 * the slot, what was put elsewhere is its only key and stays, with a note.
 */
void slot_unmake(struct client *c, struct new_slot *s, const uint8_t vault[VAULT_ID_LEN], uint32_t id,
		 bool sent);

/* Wipe.  Safe on a zeroed one. */
void slot_new_free(struct client *c, struct new_slot *s);

/* The key "slot" of a request: one map in an array. */
void slot_put(struct wire_out *o, const struct slot_info *info);

/* ---- the keys of slots that are there (slot_key.c) ---- */

/*
 * The key of a slot without asking a person: keyring, tpm2.  prompt: the
 * keyring may show a dialog.
 */
int slot_key_fetch(struct client *c, const struct slots *all, const struct slot_view *s, bool prompt,
		   struct secret *key, struct failure *f);

/* A keyfile, opened with this user's host key: its slot and its key. */
int slot_key_file(struct client *c, const char *file, const struct slots *all, uint32_t *id,
		  struct secret *key, struct failure *f);

/* What was typed opens which slot?  Tries each passphrase slot, and the
 * recovery slots when it is a recovery code; `try` says whether a key does.
 * FAIL_WRONG_KEY when none does. */
typedef int slot_try(struct client *c, uint32_t id, const uint8_t *key, void *arg, struct failure *f);
int slot_key_typed(struct client *c, const struct slots *all, const struct secret *typed,
		   slot_try *try, void *arg, struct failure *f);

/* The keyring's item of a slot goes with it. */
void slot_keyring_erase(struct client *c, const uint8_t vault[VAULT_ID_LEN], uint32_t id);

#endif
