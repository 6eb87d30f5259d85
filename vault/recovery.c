/*
 * vault/recovery.c - a slot's key as a code for paper: 128 random bits and a
 * checksum of 22, thirty characters of Crockford's base 32 (no I, L, O, U:
 * www.crockford.com/base32.html) in six groups.
 */
#include "vault/recovery.h"

#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "base/fail.h"
#include "base/utf8.h"

#define CODE_BYTES 16
#define CODE_CHARS 30	/* 150 bits: the code, then the checksum */
#define CODE_CHECKED 19 /* bytes that hold CODE_CHARS */
#define GROUP 5

static const char code_alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* The code with its checksum behind it: 19 bytes, of which the first 150 bits count. */
static void code_add_checksum(const uint8_t code[CODE_BYTES], uint8_t out[CODE_CHECKED])
{
	static const char purpose[] = "ccrun recovery checksum 1";
	uint8_t sum[32];

	crypto_generichash(sum, sizeof(sum), code, CODE_BYTES, (const uint8_t *)purpose,
			   sizeof(purpose));
	memcpy(out, code, CODE_BYTES);
	memcpy(out + CODE_BYTES, sum, 3);
	out[CODE_CHECKED - 1] &= 0xfc; /* 22 bits are used */
	sodium_memzero(sum, sizeof(sum));
}

static void code_derive_key(const uint8_t code[CODE_BYTES], uint8_t key[KEY_LEN])
{
	static const char purpose[] = "ccrun recovery key 1";

	crypto_generichash(key, KEY_LEN, code, CODE_BYTES, (const uint8_t *)purpose,
			   sizeof(purpose));
}

void recovery_make(char text[RECOVERY_TEXT], uint8_t key[KEY_LEN])
{
	uint8_t code[CODE_BYTES], all[CODE_CHECKED + 1] = { 0 };
	unsigned i, bit, value;
	char *p = text;

	randombytes_buf(code, sizeof(code));
	code_add_checksum(code, all);
	for (i = 0; i < CODE_CHARS; i++) {
		bit = i * 5;
		value = (unsigned)all[bit / 8] << 8 | all[bit / 8 + 1];
		if (i > 0 && i % GROUP == 0)
			*p++ = '-';
		*p++ = code_alphabet[value >> (11 - bit % 8) & 31];
	}
	*p = '\0';
	code_derive_key(code, key);
	sodium_memzero(code, sizeof(code));
	sodium_memzero(all, sizeof(all));
}

enum { CHAR_WRONG = -1, CHAR_SKIPPED = -2 };

/* What editors, keyboards and notes have in a hyphen's or a blank's place. */
static bool code_char_separates(uint32_t c)
{
	static const uint32_t separators[] = { ' ',    '-',    '\t',   0xa0,   0xad,
					       0xb7,   0x2212, 0x202f, 0x2060, 0x3000,
					       0xfe63, 0xfeff, 0xff0d };
	size_t i;

	for (i = 0; i < sizeof(separators) / sizeof(separators[0]); i++)
		if (c == separators[i])
			return true;
	/* Unicode's blanks of all widths (some of none), and its hyphens and dashes. */
	return c >= 0x2000 && c <= 0x2015;
}

/* The five bits that a character stands for, CHAR_WRONG, or CHAR_SKIPPED. */
static int code_char_value(uint32_t c)
{
	const char *at;

	if (code_char_separates(c))
		return CHAR_SKIPPED;
	/* The wide forms of an input method for Chinese or Japanese. */
	if (c >= 0xff01 && c <= 0xff5e)
		c = c - 0xff01 + '!';
	if (c >= 'a' && c <= 'z')
		c = c - 'a' + 'A';
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	at = c && c < 0x80 ? strchr(code_alphabet, (int)c) : NULL;
	return at ? (int)(at - code_alphabet) : CHAR_WRONG;
}

int recovery_parse(const char *typed, size_t n, uint8_t key[KEY_LEN], struct failure *f)
{
	uint8_t all[CODE_CHECKED + 1] = { 0 }, want[CODE_CHECKED];
	unsigned count = 0, bit, value, len;
	size_t i, number = 0;
	uint32_t c;
	int v, r = -1;

	for (i = 0; i < n; i += len) {
		len = utf8_decode(typed + i, n - i, &c);
		v = len ? code_char_value(c) : CHAR_WRONG;
		number++;
		if (v == CHAR_SKIPPED)
			continue;
		if (v == CHAR_WRONG) {
			fail_set(f, FAIL_BAD_VALUE,
				 "it has digits and letters without I, L, O and U",
				 "character %zu cannot be in a recovery code", number);
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
	code_add_checksum(all, want);
	if (sodium_memcmp(want, all, sizeof(want)) != 0) {
		fail_set(f, FAIL_BAD_VALUE, "compare it with what you wrote down",
			 "the recovery code has a typing error: its checksum does not match");
		goto out;
	}
	code_derive_key(all, key);
	r = 0;
out:
	sodium_memzero(all, sizeof(all));
	sodium_memzero(want, sizeof(want));
	return r;
}
