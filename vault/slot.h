/*
 * vault/slot.h - a slot: one way to open the vault.  This is what anyone who can
 * read the file learns of it; slot_format.h has its bytes.
 */
#ifndef VAULT_SLOT_H
#define VAULT_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vault/kdf.h"
#include "vault/limits.h"

struct failure;

enum slot_kind {
	SLOT_PASSPHRASE = 1,
	SLOT_KEYRING = 2,
	SLOT_KEYFILE = 3,
	SLOT_CREDENTIAL = 4,
	SLOT_TPM2 = 5,
	SLOT_RECOVERY = 6
};

struct slot_info {
	uint32_t id; /* never reused within a vault */
	enum slot_kind kind;
	uint64_t created;		/* seconds since the epoch */
	char label[SLOT_LABEL_MAX + 1]; /* printable ASCII */
	struct kdf_params kdf;		/* SLOT_PASSPHRASE only */
	size_t material_len;
	uint8_t material
		[SLOT_MATERIAL_MAX]; /* keyfile: the host's public key; tpm2: the sealed blob */
};

/* As users type it: "passphrase"; "unknown" for a number that is no kind. */
const char *slot_kind_name(enum slot_kind k);
int slot_kind_from_name(const char *name); /* -1 when unknown */

/* Is the number, as it is read from a file, a kind? */
bool slot_kind_known(uint64_t kind);
bool slot_kind_has_material(enum slot_kind kind);

/* Does the key come out of a person's head or drawer?  All other kinds answer whoever
 * asks: a keyring, a file, a TPM, a service manager. */
bool slot_kind_is_persons(enum slot_kind kind);

/* The failure where a person's slot must be given and none was: FAIL_PERSON, which says
 * what the vault has of them.  -1. */
int slot_fail_no_person(bool passphrase, bool recovery, struct failure *f);

/* Check what a caller gives for a new slot: kind, label, material, KDF costs.
 * 0, or -1 with FAIL_BAD_VALUE or FAIL_KDF_BOUNDS. */
int slot_info_check(const struct slot_info *info, struct failure *f);

#endif
