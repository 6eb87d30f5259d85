/*
 * vault/crypto.c - libsodium's start, random bytes, hash and hexadecimal digits.
 */
#include "vault/crypto.h"

#include <errno.h>
#include <unistd.h>

#include <sodium.h>

#include "base/fail.h"

int libsodium_start(struct failure *f)
{
	if (sodium_init() < 0)
		return fail_set(f, FAIL_SYSTEM, NULL,
				"cannot start: libsodium found no random numbers");
	return 0;
}

void random_fill(void *out, size_t n)
{
	randombytes_buf(out, n);
}

bool secret_equal(const void *a, const void *b, size_t n)
{
	return sodium_memcmp(a, b, n) == 0;
}

void blake2b_256(uint8_t out[BLAKE2B_256_LEN], const void *a, size_t an, const void *b, size_t bn)
{
	crypto_generichash_state s;

	crypto_generichash_init(&s, NULL, 0, BLAKE2B_256_LEN);
	if (an)
		crypto_generichash_update(&s, a, an);
	if (bn)
		crypto_generichash_update(&s, b, bn);
	crypto_generichash_final(&s, out, BLAKE2B_256_LEN);
	sodium_memzero(&s, sizeof(s));
}

void blake2b_256_keyed(uint8_t out[BLAKE2B_256_LEN], const uint8_t key[KEY_LEN], const void *p,
		       size_t n)
{
	crypto_generichash(out, BLAKE2B_256_LEN, p, n, key, KEY_LEN);
}

int blake2b_256_files(uint8_t out[BLAKE2B_256_LEN], const int *fds, unsigned n, uint64_t most)
{
	static uint8_t part[256 * 1024];
	crypto_generichash_state s;
	ssize_t got;
	unsigned i;

	crypto_generichash_init(&s, NULL, 0, BLAKE2B_256_LEN);
	for (i = 0; i < n; i++) {
		while ((got = read(fds[i], part, sizeof(part))) > 0) {
			if ((uint64_t)got > most) {
				errno = EFBIG;
				return -1;
			}
			most -= (uint64_t)got;
			crypto_generichash_update(&s, part, (size_t)got);
		}
		if (got < 0)
			return -1;
	}
	crypto_generichash_final(&s, out, BLAKE2B_256_LEN);
	return 0;
}

void seal_digest(char out[SEAL_DIGEST_HEX + 1], const void *p, size_t n)
{
	uint8_t hash[BLAKE2B_256_LEN];

	blake2b_256(hash, p, n, NULL, 0);
	hex_encode(out, hash, SEAL_DIGEST_HEX / 2);
}

void hex_encode(char *out, const void *p, size_t n)
{
	sodium_bin2hex(out, n * 2 + 1, p, n);
}
