/*
 * vault/slot_format.h - a slot as bytes in the vault's file.
 */
#ifndef VAULT_SLOT_FORMAT_H
#define VAULT_SLOT_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include "vault/format.h"
#include "vault/slot.h"

struct byte_reader;
struct failure;

/* The longest slot. */
#define SLOT_MAX \
	(SLOT_HEAD_LEN + SLOT_LABEL_MAX + KDF_LEN + SLOT_MATERIAL_MAX + NONCE_LEN + WRAPPED_LEN)

struct slot {
	struct slot_info info;
	uint8_t nonce[NONCE_LEN];
	uint8_t wrapped[WRAPPED_LEN]; /* the vault key under the slot's key */
};

/* The slot's length in the file, at most SLOT_MAX. */
size_t slot_size(const struct slot *s);

/* Write slot_size(s) bytes to p.  Returns their end. */
uint8_t *slot_write(uint8_t *p, const struct slot *s);

/*
 * Read one slot of a file of the given version into s, which is zero.  0, or -1
 * with FAIL_DAMAGED, or FAIL_NEWER for an unknown kind.  The KDF costs are not
 * checked: layout_parse does that last.
 */
int slot_parse(struct byte_reader *c, unsigned version, struct slot *s, struct failure *f);

#endif
