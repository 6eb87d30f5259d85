/*
 * vault/slot_wrap.h - the vault key, encrypted under a slot's key
 * (XChaCha20-Poly1305).  The vault's id and the slot's other bytes are
 * authenticated with it, so that no slot fits into another vault.
 */
#ifndef VAULT_SLOT_WRAP_H
#define VAULT_SLOT_WRAP_H

#include <stdint.h>
#include "wire/limits.h"

struct failure;
struct slot;
struct vault;

/* Wrap v's key in s, whose info is complete. */
void slot_wrap(const struct vault *v, struct slot *s, const uint8_t key[KEY_LEN]);

/* Unwrap v's key from s.  0, or -1 with FAIL_WRONG_KEY. */
int slot_unwrap(struct vault *v, const struct slot *s, const uint8_t key[KEY_LEN],
		struct failure *f);

#endif
