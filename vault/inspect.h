/*
 * vault/inspect.h - what anyone who can read a vault's file learns of it.
 */
#ifndef VAULT_INSPECT_H
#define VAULT_INSPECT_H

#include <stddef.h>
#include <stdint.h>
#include "vault/limits.h"
#include "vault/slot.h"

struct failure;

struct vault_public {
	uint64_t generation;
	uint8_t id[VAULT_ID_LEN];
	unsigned slots;
	struct slot_info slot[VAULT_SLOTS_MAX];
};

/*
 * Check the n bytes of a whole file without a key, in this order and each with
 * its own error: over VAULT_FILE_MAX (FAIL_TOO_LARGE), not a vault
 * (FAIL_DAMAGED), too short for its own length (FAIL_TRUNCATED), checksum
 * (FAIL_DAMAGED), version (FAIL_NEWER), structure (FAIL_DAMAGED; an unknown slot
 * kind is FAIL_NEWER), KDF costs (FAIL_KDF_BOUNDS).
 */
int vault_inspect(const uint8_t *file, size_t n, struct vault_public *out, struct failure *f);

#endif
