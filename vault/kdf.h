/*
 * vault/kdf.h - from a passphrase to a wrapping key (Argon2id, RFC 9106).
 *
 * Only the client derives keys.  The broker never sees a passphrase, and its
 * event loop does not stand still for the seconds that Argon2id takes.
 */
#ifndef VAULT_KDF_H
#define VAULT_KDF_H

#include <stddef.h>
#include <stdint.h>
#include "wire/limits.h"

struct failure;

#define KDF_ARGON2ID13 2 /* libsodium's crypto_pwhash_ALG_ARGON2ID13 */

/* Bounds on the costs in a vault's slot.  Upper: a forged file must not make the
 * machine swap or hang.  Lower: it must not make guessing a passphrase cheap. */
#define KDF_OPS_MIN 1
#define KDF_OPS_MAX 16
#define KDF_MEM_MIN (8u * 1024 * 1024)
#define KDF_MEM_MAX (2048ull * 1024 * 1024)

struct kdf_params {
	uint32_t alg; /* KDF_ARGON2ID13 */
	uint64_t ops; /* passes */
	uint64_t mem; /* bytes */
	uint8_t salt[SALT_LEN];
};

/* Fresh parameters: a random salt and kdf_cost. */
void kdf_fresh(struct kdf_params *p);

/* 0, or -1 with FAIL_KDF_BOUNDS naming the number that is out of bounds. */
int kdf_check(const struct kdf_params *p, struct failure *f);

/*
 * Derive key from the n bytes at pass.  0, or -1 with key zeroed: FAIL_KDF_BOUNDS,
 * FAIL_TOO_LARGE (the passphrase), FAIL_NO_MEMORY.
 */
int kdf_derive(const struct kdf_params *p, const void *pass, size_t n, uint8_t key[KEY_LEN],
	       struct failure *f);

#endif
