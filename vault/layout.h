/*
 * vault/layout.h - a vault's file as far as it can be read without a key.
 */
#ifndef VAULT_LAYOUT_H
#define VAULT_LAYOUT_H

#include <stddef.h>
#include <stdint.h>
#include "vault/limits.h"
#include "vault/slot_format.h"

struct failure;

struct vault_layout {
	unsigned version;
	uint64_t generation;
	uint8_t id[VAULT_ID_LEN];
	unsigned slots;
	struct slot slot[VAULT_SLOTS_MAX];
	size_t nonce_at; /* offset of the box's nonce; the box authenticates all bytes before it */
	size_t box_at, box_len;
};

/* Check the n bytes of a file and say where things are.  0, or -1 as vault_inspect. */
int layout_parse(const uint8_t *file, size_t n, struct vault_layout *out, struct failure *f);

#endif
