/*
 * vault/host_key.c - a host's key pair, and its two halves as text.
 */
#include "vault/host_key.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/fail.h"
#include "vault/bytes.h"

#define PUBLIC_WORD "ccrun-host-1 "
#define SECRET_WORD "ccrun-host-secret-1 "
#define BASE64_LEN 44 /* of 32 bytes, with the padding */

_Static_assert(HOST_PUBLIC_LEN == crypto_box_PUBLICKEYBYTES, "public key");
_Static_assert(HOST_SEED_LEN == crypto_box_SECRETKEYBYTES, "secret key");

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

static bool host_name_char_ok(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

void host_public_format(const uint8_t public[HOST_PUBLIC_LEN], const char *name,
			char text[HOST_PUBLIC_TEXT])
{
	char b64[BASE64_LEN + 1], clean[HOST_NAME_MAX + 1];
	size_t i;

	for (i = 0; i < HOST_NAME_MAX && name[i]; i++)
		clean[i] = host_name_char_ok(name[i]) ? name[i] : '-';
	clean[i] = '\0';
	sodium_bin2base64(b64, sizeof(b64), public, HOST_PUBLIC_LEN,
			  sodium_base64_VARIANT_ORIGINAL);
	snprintf(text, HOST_PUBLIC_TEXT, PUBLIC_WORD "%s %s\n", b64, clean[0] ? clean : "host");
}

/* A point of small order makes the same shared secret for everyone: refuse it. */
static bool host_public_ok(const uint8_t public[HOST_PUBLIC_LEN])
{
	static const uint8_t any[HOST_SEED_LEN] = { 8 };
	uint8_t shared[HOST_PUBLIC_LEN];

	return crypto_scalarmult(shared, any, public) == 0;
}

static int host_fail_public(struct failure *f)
{
	return fail_set(f, FAIL_DAMAGED,
			"ccctl host show prints it, one line: ccrun-host-1 KEY NAME",
			"this is no public key of a host");
}

int host_public_parse(const char *text, size_t n, uint8_t public[HOST_PUBLIC_LEN],
		      char name[HOST_NAME_MAX + 1], struct failure *f)
{
	size_t word = sizeof(PUBLIC_WORD) - 1, i, len;

	n = bytes_line_length(text, n);
	if (n < word + BASE64_LEN + 2 || memcmp(text, PUBLIC_WORD, word) != 0 ||
	    text[word + BASE64_LEN] != ' ' || n - word - BASE64_LEN - 1 > HOST_NAME_MAX)
		return host_fail_public(f);
	if (sodium_base642bin(public, HOST_PUBLIC_LEN, text + word, BASE64_LEN, NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    len != HOST_PUBLIC_LEN || !host_public_ok(public))
		return host_fail_public(f);
	for (i = word + BASE64_LEN + 1; i < n; i++)
		if (!host_name_char_ok(text[i]))
			return host_fail_public(f);
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

	n = bytes_line_length(text, n);
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
