/*
 * client/slots/slots.h - the vault's slots as the broker lists them: public data alone.
 */
#ifndef CLIENT_SLOTS_SLOTS_H
#define CLIENT_SLOTS_SLOTS_H

#include <stddef.h>
#include <stdint.h>
#include "vault/vault.h"
#include "vault/kdf.h"
#include "vault/slot.h"

struct client;
struct failure;

struct slot_view {
	uint32_t id;
	enum slot_kind kind;
	char label[SLOT_LABEL_MAX + 1];
	uint64_t created;
	struct kdf_params kdf; /* of a passphrase slot */
};

/* Several pages: not for the stack. */
struct slots {
	uint64_t generation;
	uint8_t vault[VAULT_ID_LEN];
	uint32_t next; /* number that the next slot will have; 0 while the vault is locked */
	unsigned n;
	struct slot_view slot[VAULT_SLOTS_MAX];
};

/* Ask the broker; c is connected.  0 or -1. */
int slots_fetch(struct client *c, struct slots *s, struct failure *f);

/* The slot of that number, or NULL. */
const struct slot_view *slots_find(const struct slots *s, uint32_t id);
unsigned slots_count(const struct slots *s, enum slot_kind kind);

/*
 * A slot's public material (the TPM's sealed key, a host's public key) from the
 * broker.  *n: bytes that out has, then the material's length.  0 or -1.
 */
int slot_material(struct client *c, uint32_t id, uint8_t *out, size_t *n, struct failure *f);

/* The kind of slot that --keyring, --keyfile or --tpm2 means; SLOT_PASSPHRASE for any other
 * option. */
enum slot_kind slot_kind_of_option(int option);

/* Print a note when n is 1: the vault is lost with its only slot. */
void slots_warn_of_last(uint64_t n);

#endif
