/*
 * vault/kdf.h - from a passphrase to a wrapping key (Argon2id, RFC 9106), and
 * the other small uses of the library: random bytes, hashes.
 *
 * The client derives, the broker never does: the loop does not wait for
 * Argon2id, and the broker never sees a passphrase.
 */
#ifndef VAULT_KDF_H
#define VAULT_KDF_H

#include <stddef.h>
#include <stdint.h>
#include "wire/limits.h"

struct failure;

#define KDF_ARGON2ID13 2 /* libsodium's crypto_pwhash_ALG_ARGON2ID13 */

/* Bounds on what a vault on disk may ask for: a hostile file must not make a
 * person's machine swap or hang (upper), nor make guessing cheap (lower). */
#define KDF_OPS_MIN 1
#define KDF_OPS_MAX 16
#define KDF_MEM_MIN (8u * 1024 * 1024)
#define KDF_MEM_MAX (2048ull * 1024 * 1024)

struct kdf_params {
	uint32_t alg;	/* KDF_ARGON2ID13 */
	uint64_t ops;	/* passes */
	uint64_t mem;	/* bytes */
	uint8_t salt[SALT_LEN];
};

/* Must be called once before anything of vault/.  0 or -1. */
int secure_start(struct failure *f);

/*
 * Fresh parameters: libsodium's MODERATE (3 passes, 256 MiB), or with
 * CCRUN_KDF=fast in the environment (tests) 1 pass over 8 MiB.
 */
void kdf_fresh(struct kdf_params *p);

/* 0, or -1 with FAIL_KDF_BOUNDS naming the number that is out of bounds. */
int kdf_check(const struct kdf_params *p, struct failure *f);

/* Derive key[KEY_LEN] from n bytes of passphrase.  Checks the bounds first. */
int kdf_derive(const struct kdf_params *p, const void *pass, size_t n,
	       uint8_t key[KEY_LEN], struct failure *f);

void secure_random(void *out, size_t n);

/* BLAKE2b-256 of two pieces (either may be NULL with length 0). */
void secure_hash(uint8_t out[32], const void *a, size_t an, const void *b, size_t bn);

/* n bytes as 2n hex digits and a NUL. */
void secure_hex(char *out, const void *p, size_t n);

#endif
