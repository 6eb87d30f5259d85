/*
 * vault/recovery.c - a slot's key as a code for paper: 128 random bits and a
 * checksum of 22, thirty characters of Crockford's base 32 (no I, L, O, U:
 * www.crockford.com/base32.html) in six groups.
 */
#include "vault/keyfile.h"

#include <string.h>

#include <sodium.h>

#include "base/fail.h"

#define CODE_BYTES 16
#define CODE_CHARS 30 /* 150 bits: the code, then the checksum */
#define GROUP 5

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* The checksum's bits behind the code: 19 bytes, of which 150 bits count. */
static void with_checksum(const uint8_t code[CODE_BYTES], uint8_t out[19])
{
	static const char purpose[] = "ccrun recovery checksum 1";
	uint8_t sum[32];

	crypto_generichash(sum, sizeof(sum), code, CODE_BYTES, (const uint8_t *)purpose, sizeof(purpose));
	memcpy(out, code, CODE_BYTES);
	memcpy(out + CODE_BYTES, sum, 3);
	out[18] &= 0xfc; /* 22 bits are used */
	sodium_memzero(sum, sizeof(sum));
}

static void key_of(const uint8_t code[CODE_BYTES], uint8_t *key)
{
	static const char purpose[] = "ccrun recovery key 1";

	crypto_generichash(key, KEY_LEN, code, CODE_BYTES, (const uint8_t *)purpose, sizeof(purpose));
}

void recovery_make(char text[RECOVERY_TEXT], uint8_t *key)
{
	uint8_t code[CODE_BYTES], all[19 + 1] = { 0 };
	unsigned i, bit, value;
	char *p = text;

	randombytes_buf(code, sizeof(code));
	with_checksum(code, all);
	for (i = 0; i < CODE_CHARS; i++) {
		bit = i * 5;
		value = (unsigned)all[bit / 8] << 8 | all[bit / 8 + 1];
		if (i > 0 && i % GROUP == 0)
			*p++ = '-';
		*p++ = alphabet[value >> (11 - bit % 8) & 31];
	}
	*p = '\0';
	key_of(code, key);
	sodium_memzero(code, sizeof(code));
	sodium_memzero(all, sizeof(all));
}

/* The number that a character stands for; -1: none, -2: to be passed over. */
static int value_of(char c)
{
	const char *at;

	if (c == ' ' || c == '-' || c == '\t')
		return -2;
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

int recovery_parse(const char *typed, size_t n, uint8_t *key, struct failure *f)
{
	uint8_t all[19 + 1] = { 0 }, want[19];
	unsigned count = 0, bit, value;
	size_t i;
	int v, r = -1;

	for (i = 0; i < n; i++) {
		v = value_of(typed[i]);
		if (v == -2)
			continue;
		if (v < 0) {
			fail_set(f, FAIL_BAD_VALUE, "it has digits and letters without I, L, O and U",
				 "character %zu cannot be in a recovery code", i + 1);
			goto out;
		}
		if (count < CODE_CHARS) {
			bit = count * 5;
			value = (unsigned)v << (11 - bit % 8);
			all[bit / 8] = (uint8_t)(all[bit / 8] | value >> 8);
			all[bit / 8 + 1] = (uint8_t)(all[bit / 8 + 1] | (value & 0xff));
		}
		count++;
	}
	if (count != CODE_CHARS) {
		fail_set(f, FAIL_BAD_VALUE, "six groups of five characters",
			 "a recovery code has %d characters, this has %u", CODE_CHARS, count);
		goto out;
	}
	with_checksum(all, want);
	if (sodium_memcmp(want, all, sizeof(want)) != 0) {
		fail_set(f, FAIL_BAD_VALUE, "compare it with what you wrote down",
			 "the recovery code has a typing error: its checksum does not match");
		goto out;
	}
	key_of(all, key);
	r = 0;
out:
	sodium_memzero(all, sizeof(all));
	sodium_memzero(want, sizeof(want));
	return r;
}
