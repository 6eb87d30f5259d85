/*
 * vault/keyfile.c - host key pairs and keyfiles sealed to them (libsodium's
 * sealed boxes: X25519, XSalsa20-Poly1305), and a slot's key as a line of text.
 */
#include "vault/keyfile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/fail.h"
#include "vault/crypto.h"
#include "vault/vault_private.h"

#define KEYFILE_MAGIC "ccrunkey"
#define KEYFILE_VERSION 1
#define SEALED_LEN (KEY_LEN + crypto_box_SEALBYTES)
#define SEALED_AT (MAGIC_LEN + 2 + VAULT_ID_LEN + 4 + HOST_PUBLIC_LEN)
#define PUBLIC_WORD "ccrun-host-1 "
#define SECRET_WORD "ccrun-host-secret-1 "
#define KEY_WORD "ccrun-key-1 "
#define BASE64_LEN 44 /* of 32 bytes, with the padding */
#define KEYFILE_LEAST (MAGIC_LEN + 2 + SUM_LEN) /* no version is shorter */

_Static_assert(KEYFILE_LEN == SEALED_AT + SEALED_LEN + SUM_LEN, "the length that the header promises");
_Static_assert(HOST_PUBLIC_LEN == crypto_box_PUBLICKEYBYTES, "public key");
_Static_assert(HOST_SEED_LEN == crypto_box_SECRETKEYBYTES, "secret key");

/* ---- a host's key pair ---- */

void host_pair(const uint8_t seed[HOST_SEED_LEN], const char *machine,
	       uint8_t public[HOST_PUBLIC_LEN], uint8_t *secret)
{
	static const char purpose[] = "ccrun host key 1";
	crypto_generichash_state s;

	/* Keyed with the seed, so that nothing about it shows in the result. */
	crypto_generichash_init(&s, seed, HOST_SEED_LEN, HOST_SEED_LEN);
	crypto_generichash_update(&s, (const uint8_t *)purpose, sizeof(purpose));
	crypto_generichash_update(&s, (const uint8_t *)machine, strlen(machine));
	crypto_generichash_final(&s, secret, HOST_SEED_LEN);
	sodium_memzero(&s, sizeof(s));
	crypto_scalarmult_base(public, secret);
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '_' || c == '-';
}

void host_public_format(const uint8_t public[HOST_PUBLIC_LEN], const char *name,
			char text[HOST_PUBLIC_TEXT])
{
	char b64[BASE64_LEN + 1], clean[HOST_NAME_MAX + 1];
	size_t i;

	for (i = 0; i < HOST_NAME_MAX && name[i]; i++)
		clean[i] = name_char(name[i]) ? name[i] : '-';
	clean[i] = '\0';
	sodium_bin2base64(b64, sizeof(b64), public, HOST_PUBLIC_LEN, sodium_base64_VARIANT_ORIGINAL);
	snprintf(text, HOST_PUBLIC_TEXT, PUBLIC_WORD "%s %s\n", b64, clean[0] ? clean : "host");
}

/* Without the line's end. */
static size_t line_length(const char *text, size_t n)
{
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	return n;
}

/* A point of small order makes no secret with anyone: nothing is sealed to it. */
static bool point_ok(const uint8_t public[HOST_PUBLIC_LEN])
{
	static const uint8_t any[HOST_SEED_LEN] = { 8 };
	uint8_t shared[HOST_PUBLIC_LEN];

	return crypto_scalarmult(shared, any, public) == 0;
}

static int bad_public(struct failure *f)
{
	return fail_set(f, FAIL_DAMAGED, "ccctl host show prints it, one line: ccrun-host-1 KEY NAME",
			"this is no public key of a host");
}

int host_public_parse(const char *text, size_t n, uint8_t public[HOST_PUBLIC_LEN],
		      char name[HOST_NAME_MAX + 1], struct failure *f)
{
	size_t word = sizeof(PUBLIC_WORD) - 1, i, len;

	n = line_length(text, n);
	if (n < word + BASE64_LEN + 2 || memcmp(text, PUBLIC_WORD, word) != 0 ||
	    text[word + BASE64_LEN] != ' ' || n - word - BASE64_LEN - 1 > HOST_NAME_MAX)
		return bad_public(f);
	if (sodium_base642bin(public, HOST_PUBLIC_LEN, text + word, BASE64_LEN, NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    len != HOST_PUBLIC_LEN || !point_ok(public))
		return bad_public(f);
	for (i = word + BASE64_LEN + 1; i < n; i++)
		if (!name_char(text[i]))
			return bad_public(f);
	n -= word + BASE64_LEN + 1;
	memcpy(name, text + word + BASE64_LEN + 1, n);
	name[n] = '\0';
	return 0;
}

void host_secret_format(const uint8_t seed[HOST_SEED_LEN], char text[HOST_SECRET_TEXT])
{
	size_t word = sizeof(SECRET_WORD) - 1;

	/* Not snprintf: it may keep a copy of its own. */
	memcpy(text, SECRET_WORD, word);
	sodium_bin2base64(text + word, BASE64_LEN + 1, seed, HOST_SEED_LEN,
			  sodium_base64_VARIANT_ORIGINAL);
	memcpy(text + word + BASE64_LEN, "\n", 2);
}

int host_secret_parse(const char *text, size_t n, uint8_t seed[HOST_SEED_LEN], struct failure *f)
{
	size_t word = sizeof(SECRET_WORD) - 1, len = 0;

	n = line_length(text, n);
	if (n != word + BASE64_LEN || memcmp(text, SECRET_WORD, word) != 0 ||
	    sodium_base642bin(seed, HOST_SEED_LEN, text + word, BASE64_LEN, NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    len != HOST_SEED_LEN) {
		sodium_memzero(seed, HOST_SEED_LEN);
		return fail_set(f, FAIL_DAMAGED, "move it away, then ccctl host init and seal anew",
				"the host's key file is damaged");
	}
	return 0;
}

/* ---- a sealed keyfile ---- */

int keyfile_seal(const struct keyfile_info *info, const uint8_t key[KEY_LEN], uint8_t out[KEYFILE_LEN])
{
	uint8_t *p = put_bytes(out, KEYFILE_MAGIC, MAGIC_LEN);

	p = put_n(p, KEYFILE_VERSION, 2);
	p = put_bytes(p, info->vault, VAULT_ID_LEN);
	p = put_n(p, info->slot, 4);
	p = put_bytes(p, info->host, HOST_PUBLIC_LEN);
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
	struct cursor c = { file, n, false };
	size_t magic = n < MAGIC_LEN ? n : MAGIC_LEN;
	uint8_t sum[SUM_LEN];
	uint64_t version;
	bool whole = false;

	memset(info, 0, sizeof(*info));
	if (magic && memcmp(file, KEYFILE_MAGIC, magic) != 0)
		return fail_set(f, FAIL_DAMAGED, again, "this is no keyfile");
	(void)take(&c, MAGIC_LEN);
	version = take_n(&c, 2);
	/* The checksum is last in every version: only what it vouches for is newer. */
	if (n >= KEYFILE_LEAST) {
		blake2b_256(sum, file, n - SUM_LEN, NULL, 0);
		whole = memcmp(sum, file + n - SUM_LEN, SUM_LEN) == 0;
	}
	if (whole && version > KEYFILE_VERSION)
		return fail_set(f, FAIL_NEWER, "it was written by a newer ccrun: update this one",
				"the keyfile's version %" PRIu64 " is not known", version);
	if (n < KEYFILE_LEN)
		return fail_set(f, FAIL_TRUNCATED, again, "the keyfile is cut off: %zu of %d bytes are there",
				n, KEYFILE_LEN);
	if (n > KEYFILE_LEN)
		return fail_set(f, FAIL_DAMAGED, again, "the keyfile is damaged: bytes after its end");
	if (!whole || version == 0)
		return fail_set(f, FAIL_DAMAGED, again,
				"the keyfile is damaged: the checksum does not match");
	take_into(&c, info->vault, VAULT_ID_LEN);
	info->slot = (uint32_t)take_n(&c, 4);
	take_into(&c, info->host, HOST_PUBLIC_LEN);
	return 0;
}

int keyfile_open(const uint8_t *file, size_t n, const uint8_t public[HOST_PUBLIC_LEN],
		 const uint8_t secret[HOST_SEED_LEN], uint8_t *key, struct failure *f)
{
	static const char mend[] = "a keyfile opens on the machine and for the user it was sealed to: "
				   "ccctl slot add keyfile --for HOST.pub --out F";
	struct keyfile_info info;

	if (keyfile_inspect(file, n, &info, f) != 0)
		return -1;
	if (memcmp(info.host, public, HOST_PUBLIC_LEN) != 0)
		return fail_set(f, FAIL_WRONG_KEY, mend, "the keyfile is sealed to another host");
	if (crypto_box_seal_open(key, file + SEALED_AT, SEALED_LEN, public, secret) != 0) {
		sodium_memzero(key, KEY_LEN);
		return fail_set(f, FAIL_WRONG_KEY, mend, "this host's key does not open the keyfile");
	}
	return 0;
}

/* ---- one line of text ---- */

size_t keytext_format(const uint8_t vault[VAULT_ID_LEN], uint32_t slot, const uint8_t key[KEY_LEN],
		      char text[KEYTEXT_MAX])
{
	char id[VAULT_ID_LEN * 2 + 1];
	int n;

	sodium_bin2hex(id, sizeof(id), vault, VAULT_ID_LEN);
	n = snprintf(text, KEYTEXT_MAX, KEY_WORD "%s %" PRIu32 " ", id, slot);
	sodium_bin2hex(text + n, KEY_LEN * 2 + 1, key, KEY_LEN);
	n += KEY_LEN * 2;
	memcpy(text + n, "\n", 2);
	return (size_t)n + 1;
}

static int bad_text(uint8_t *key, struct failure *f)
{
	sodium_memzero(key, KEY_LEN);
	return fail_set(f, FAIL_DAMAGED, "remove the slot and add it again", "this is no key of ccrun's");
}

int keytext_parse(const char *text, size_t n, uint8_t vault[VAULT_ID_LEN], uint32_t *slot,
		  uint8_t *key, struct failure *f)
{
	size_t word = sizeof(KEY_WORD) - 1, at, len, digits;
	uint64_t number = 0;

	sodium_memzero(key, KEY_LEN);
	n = line_length(text, n);
	if (n < word + VAULT_ID_LEN * 2 + 1 + 1 + 1 + KEY_LEN * 2)
		return n == 0 || memcmp(text, KEY_WORD, n < word ? n : word) == 0
			       ? fail_set(f, FAIL_TRUNCATED, "remove the slot and add it again",
					  "the key is cut off after %zu bytes", n)
			       : bad_text(key, f);
	at = word + VAULT_ID_LEN * 2;
	if (memcmp(text, KEY_WORD, word) != 0 || text[at] != ' ' ||
	    sodium_hex2bin(vault, VAULT_ID_LEN, text + word, VAULT_ID_LEN * 2, NULL, &len, NULL) != 0 ||
	    len != VAULT_ID_LEN)
		return bad_text(key, f);
	for (at++, digits = 0; at < n && text[at] >= '0' && text[at] <= '9' && digits < 10; at++, digits++)
		number = number * 10 + (uint64_t)(text[at] - '0');
	if (digits == 0 || number == 0 || number > UINT32_MAX || n - at != 1 + KEY_LEN * 2 || text[at] != ' ' ||
	    sodium_hex2bin(key, KEY_LEN, text + at + 1, KEY_LEN * 2, NULL, &len, NULL) != 0 ||
	    len != KEY_LEN)
		return bad_text(key, f);
	*slot = (uint32_t)number;
	return 0;
}
