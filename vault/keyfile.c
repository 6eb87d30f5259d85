/*
 * vault/keyfile.c - keyfiles: libsodium's sealed boxes (X25519, XSalsa20-Poly1305).
 */
#include "vault/keyfile.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "base/fail.h"
#include "vault/bytes.h"
#include "vault/crypto.h"
#include "vault/errors.h"
#include "vault/format.h"

#define KEYFILE_MAGIC "ccrunkey"
#define KEYFILE_VERSION 1
#define SEALED_LEN (KEY_LEN + crypto_box_SEALBYTES)
#define SEALED_AT (MAGIC_LEN + 2 + VAULT_ID_LEN + 4 + HOST_PUBLIC_LEN)
#define KEYFILE_LEAST (MAGIC_LEN + 2 + SUM_LEN) /* no version is shorter */

_Static_assert(KEYFILE_LEN == SEALED_AT + SEALED_LEN + SUM_LEN,
	       "the length that the header promises");

int keyfile_seal(const struct keyfile_info *info, const uint8_t key[KEY_LEN],
		 uint8_t out[KEYFILE_LEN])
{
	uint8_t *p = bytes_put(out, KEYFILE_MAGIC, MAGIC_LEN);

	p = bytes_put_le(p, KEYFILE_VERSION, 2);
	p = bytes_put(p, info->vault, VAULT_ID_LEN);
	p = bytes_put_le(p, info->slot, 4);
	p = bytes_put(p, info->host, HOST_PUBLIC_LEN);
	if (crypto_box_seal(p, key, KEY_LEN, info->host) != 0) {
		memset(out, 0, KEYFILE_LEN);
		return -1;
	}
	blake2b_256(p + SEALED_LEN, out, KEYFILE_LEN - SUM_LEN, NULL, 0);
	return 0;
}

int keyfile_inspect(const uint8_t *file, size_t n, struct keyfile_info *info, struct failure *f)
{
	static const char again[] = "ccctl slot add keyfile makes a new one";
	struct byte_reader c = { file, n, false };
	size_t magic = n < MAGIC_LEN ? n : MAGIC_LEN;
	uint8_t sum[SUM_LEN];
	uint64_t version;
	bool whole = false;

	memset(info, 0, sizeof(*info));
	if (magic && memcmp(file, KEYFILE_MAGIC, magic) != 0)
		return fail_set(f, FAIL_DAMAGED, again, "this is no keyfile");
	(void)byte_reader_take(&c, MAGIC_LEN);
	version = byte_reader_take_le(&c, 2);
	/* The checksum is last in every version.  Without it the version is not believed. */
	if (n >= KEYFILE_LEAST) {
		blake2b_256(sum, file, n - SUM_LEN, NULL, 0);
		whole = memcmp(sum, file + n - SUM_LEN, SUM_LEN) == 0;
	}
	if (whole && version > KEYFILE_VERSION)
		return fail_set(f, FAIL_NEWER, HINT_NEWER,
				"the keyfile's version %" PRIu64 " is not known", version);
	if (n < KEYFILE_LEN)
		return fail_set(f, FAIL_TRUNCATED, again,
				"the keyfile is cut off: %zu of %d bytes are there", n,
				KEYFILE_LEN);
	if (n > KEYFILE_LEN)
		return fail_set(f, FAIL_DAMAGED, again,
				"the keyfile is damaged: bytes after its end");
	if (!whole || version == 0)
		return fail_set(f, FAIL_DAMAGED, again,
				"the keyfile is damaged: the checksum does not match");
	byte_reader_copy(&c, info->vault, VAULT_ID_LEN);
	info->slot = (uint32_t)byte_reader_take_le(&c, 4);
	byte_reader_copy(&c, info->host, HOST_PUBLIC_LEN);
	return 0;
}

int keyfile_open(const uint8_t *file, size_t n, const uint8_t public[HOST_PUBLIC_LEN],
		 const uint8_t secret[HOST_SEED_LEN], uint8_t *key, struct failure *f)
{
	static const char mend[] =
		"a keyfile opens on the machine and for the user it was sealed to: "
		"ccctl slot add keyfile --for HOST.pub --out F";
	struct keyfile_info info;

	if (keyfile_inspect(file, n, &info, f) != 0)
		return -1;
	if (memcmp(info.host, public, HOST_PUBLIC_LEN) != 0)
		return fail_set(f, FAIL_WRONG_KEY, mend, "the keyfile is sealed to another host");
	if (crypto_box_seal_open(key, file + SEALED_AT, SEALED_LEN, public, secret) != 0) {
		sodium_memzero(key, KEY_LEN);
		return fail_set(f, FAIL_WRONG_KEY, mend,
				"this host's key does not open the keyfile");
	}
	return 0;
}
