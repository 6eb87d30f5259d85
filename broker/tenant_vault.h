/*
 * broker/tenant_vault.h - a tenant's vault and its file: make it, open it, commit changes.
 */
#ifndef BROKER_TENANT_VAULT_H
#define BROKER_TENANT_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "wire/limits.h"

struct failure;
struct slot_info;
struct tenant;
struct vault_public;

/* Read and check the part of the vault's file that needs no key. */
int tenant_inspect_vault(struct tenant *t, struct vault_public *out, struct failure *f);

/*
 * The same of the vault that is open; of the file while there is none.  MUST: what a new key is
 * sealed to, or made with, comes from here.  The file has a checksum, which whoever runs as the
 * user can make anew; only the vault's key shows that nobody did.
 */
int tenant_describe_vault(struct tenant *t, struct vault_public *out, struct failure *f);

/* Make a vault with one slot, write it, leave it open.  FAIL_EXISTS when there is a vault. */
int tenant_create_vault(struct tenant *t, struct slot_info *slot, const uint8_t key[KEY_LEN],
			struct failure *f);

/*
 * Read the vault's file and open it with a slot's wrapping key.  While a vault is
 * open, or entries of one are kept: FAIL_CHANGED if the file is another vault, by its key,
 * unless person: somebody has proved to be a person against the open one.  (Who runs as the
 * user can write the file.)
 */
int tenant_unlock(struct tenant *t, uint32_t slot, const uint8_t key[KEY_LEN], bool person,
		  struct failure *f);

/* Does the key open that slot of the file?  Nothing changes. */
int tenant_check_key(struct tenant *t, uint32_t slot, const uint8_t key[KEY_LEN],
		     struct failure *f);

/* Does the key open that slot, and is the slot a person's?  Of the open vault; of the
 * file while there is none.  FAIL_PERSON for the key of another kind of slot. */
int tenant_check_person(struct tenant *t, uint32_t slot, const uint8_t key[KEY_LEN],
			struct failure *f);

/* Before a change of the vault, which writes all of it: read the tokens that are
 * asleep from the file again.  0 or -1. */
int tenant_wake_tokens(struct tenant *t, struct failure *f);

/* Write the vault's present state to the disk, or undo the last change and fail. */
int tenant_commit(struct tenant *t, struct failure *f);

/* A vault's file from elsewhere that is to become the vault. */
struct tenant_restore {
	const uint8_t *file;
	size_t n;
	uint32_t slot; /* opens it, with key (KEY_LEN bytes) */
	const uint8_t *key;
	bool replace; /* a vault that is there is set aside; else FAIL_EXISTS */
	bool rekey;   /* give it another vault key and this slot alone */
};
int tenant_restore(struct tenant *t, const struct tenant_restore *r, struct failure *f);

#endif
