/*
 * client/slots/slot_make.h - a new slot: making its key, putting the key where its kind
 * keeps it, and sending the slot to the broker.
 */
#ifndef CLIENT_SLOTS_SLOT_MAKE_H
#define CLIENT_SLOTS_SLOT_MAKE_H

#include <stdbool.h>
#include <stdint.h>
#include "client/common/secret.h"
#include "vault/keyfile.h"
#include "vault/vault.h"
#include "vault/slot.h"

struct client;
struct failure;
struct other_host;
struct wire_out;

struct new_slot {
	/* From the command line. */
	int pass_fd;		       /* passphrase: where it is read, -1 for the terminal */
	bool first;		       /* passphrase: explain it, the vault is new */
	const char *label;	       /* NULL: one that goes with the kind */
	const struct other_host *host; /* keyfile: to whom it is sealed; NULL: this host */
	const char *out_file; /* keyfile for another host, credential (NULL: standard output) */
	/* Set by slot_make. */
	struct slot_info info; /* kind, label, KDF costs, material */
	struct secret key;     /* KEY_LEN bytes; wraps the vault key */
	uint8_t keyfile[KEYFILE_LEN];
	bool has_keyfile; /* keyfile is for the broker to keep beside the vault */
};

/*
 * Make the key of a slot of that kind and store it where the kind keeps it, before
 * the slot exists, so that no slot is ever without its key.  vault, id: those that
 * the slot will have.  May ask a person: c must be connected again afterwards.
 * 0 or -1; slot_new_free in either case.
 */
int slot_make(struct client *c, enum slot_kind kind, struct new_slot *s,
	      const uint8_t vault[VAULT_ID_LEN], uint32_t id, struct failure *f);

/*
 * The slot was not added: remove what slot_make stored outside the vault (keyring
 * item, file).  sent: the broker was asked to add it.  If it did not refuse and may
 * have the slot, the stored key is its only one: it is kept, with a note.
 */
void slot_unmake(struct client *c, struct new_slot *s, const uint8_t vault[VAULT_ID_LEN],
		 uint32_t id, bool sent);

/* Wipe the key.  Safe on a zeroed one. */
void slot_new_free(struct client *c, struct new_slot *s);

/* Put the slot into a request, as its key "slot" (an array of one map). */
void slot_put(struct wire_out *o, const struct slot_info *info);

/*
 * Send the slot.  expect: the number it will have (slots.next); the broker refuses
 * when another slot was added meanwhile.  replace: the slot whose place it takes, 0
 * for none.  person_identify comes before.  0 or -1.
 */
int slot_send(struct client *c, const struct new_slot *s, uint32_t expect, uint32_t replace,
	      struct failure *f);

#endif
