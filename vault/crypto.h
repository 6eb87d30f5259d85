/*
 * vault/crypto.h - libsodium's start, random bytes, hash and hexadecimal digits,
 * for callers that do not include <sodium.h> themselves.
 */
#ifndef VAULT_CRYPTO_H
#define VAULT_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/limits.h"

struct failure;

#define BLAKE2B_256_LEN 32

/* Call once, before anything else of vault/.  0, or -1 with FAIL_SYSTEM. */
int libsodium_start(struct failure *f);

/* Fill out with n bytes of the system's random generator.  Cannot fail. */
void random_fill(void *out, size_t n);

/* Are the n bytes the same?  In a time that does not depend on them. */
bool secret_equal(const void *a, const void *b, size_t n);

/* BLAKE2b-256 (RFC 7693) of a followed by b; a piece may be NULL with length 0. */
void blake2b_256(uint8_t out[BLAKE2B_256_LEN], const void *a, size_t an, const void *b, size_t bn);

/* The same, of p, keyed: who has not the key can neither make nor check it. */
void blake2b_256_keyed(uint8_t out[BLAKE2B_256_LEN], const uint8_t key[KEY_LEN], const void *p,
		       size_t n);

/* BLAKE2b-256 of what can be read from n descriptors, one behind the other.  0, or -1 with
 * errno: EFBIG where there are more bytes than that. */
int blake2b_256_files(uint8_t out[BLAKE2B_256_LEN], const int *fds, unsigned n, uint64_t most);

/* The first SEAL_DIGEST_HEX hexadecimal digits of BLAKE2b-256: half of it, against which
 * nobody finds a second text, nor two of one digest. */
void seal_digest(char out[SEAL_DIGEST_HEX + 1], const void *p, size_t n);

/* Write n bytes as 2n lower-case hexadecimal digits and a NUL; out has 2n + 1 bytes. */
void hex_encode(char *out, const void *p, size_t n);

#endif
