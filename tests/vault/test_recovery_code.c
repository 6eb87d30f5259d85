/*
 * tests/vault/test_recovery_code.c - codes for paper: what is made can be typed, in
 * the ways that people type, and what is typed wrong is noticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "vault/crypto.h"
#include "tests/vault/vectors.h"
#include "vault/recovery.h"

#define CODE "J2AGC-F6B4J-M0V4P-4NTH6-1MD88-BMNW5" /* of recovery.txt */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static int parse(const char *text, uint8_t *key, struct failure *f)
{
	return recovery_parse(text, strlen(text), key, f);
}

static void test_make(void **state)
{
	char text[RECOVERY_TEXT], other[RECOVERY_TEXT];
	uint8_t key[KEY_LEN], got[KEY_LEN];
	int i, k;

	(void)state;
	for (i = 0; i < 500; i++) {
		recovery_make(text, key);
		assert_int_equal(strlen(text), RECOVERY_TEXT - 1);
		for (k = 0; k < RECOVERY_TEXT - 1; k++)
			if (k % 6 == 5)
				assert_int_equal(text[k], '-');
			else
				assert_non_null(strchr(alphabet, text[k]));
		memset(got, 0, sizeof(got));
		assert_int_equal(parse(text, got, NULL), 0);
		assert_memory_equal(got, key, sizeof(key));
	}
	recovery_make(other, got);
	assert_string_not_equal(text, other);
	assert_memory_not_equal(key, got, sizeof(key));
}

static void test_vectors(void **state)
{
	FILE *in = vector_open(".", "recovery.txt");
	char *field[3], hex[2 * KEY_LEN + 1];
	struct failure f = { 0 };
	uint8_t key[KEY_LEN];
	unsigned count = 0;
	int r;

	(void)state;
	for (; vector_line(in, field, 3); count++) {
		r = parse(field[0], key, &f);
		if (strcmp(r == 0 ? "ok" : fail_name(f.code), field[1]) != 0)
			fail_msg("%s: wanted %s", field[0], field[1]);
		if (r == 0) {
			hex_encode(hex, key, sizeof(key));
			assert_string_equal(hex, field[2]);
		}
	}
	assert_true(count >= 20);
	fclose(in);
}

/* As people write and read: lower case, O for 0, I and L for 1, blanks. */
static void test_spellings(void **state)
{
	char text[RECOVERY_TEXT], loose[4 * RECOVERY_TEXT];
	uint8_t key[KEY_LEN], got[KEY_LEN];
	int i, k, n;

	(void)state;
	for (i = 0; i < 100; i++) {
		recovery_make(text, key);
		for (k = n = 0; text[k]; k++) {
			if (text[k] == '-')
				loose[n++] = "- \t"[i % 3];
			else if (text[k] == '0')
				loose[n++] = "0oO"[i % 3];
			else if (text[k] == '1')
				loose[n++] = "1iIlL"[i % 5];
			else
				loose[n++] = (char)(text[k] >= 'A' && i % 2 ? text[k] - 'A' + 'a'
									    : text[k]);
			if (i % 7 == k % 7)
				loose[n++] = ' ';
		}
		loose[n] = '\0';
		memset(got, 0, sizeof(got));
		assert_int_equal(parse(loose, got, NULL), 0);
		assert_memory_equal(got, key, sizeof(key));
	}
}

/* As a word processor, a chat or an input method for Japanese has made it. */
static void test_typography(void **state)
{
	static const char *const same[] = {
		"J2AGC\u2013F6B4J\u2014M0V4P\u22124NTH6\u20101MD88\u2011BMNW5",
		"\ufeffJ2AGC\u00a0F6B4J\u202fM0V4P\u2009 4NTH6\u30001MD88\u200bBMNW5\u200b",
		"\uff2a\uff12AGC\uff0df6b4j\uff0dm\uff10v4p4nth6\uff11md88bmnw\uff15",
		"J2AGC\u00adF6B4JMOV4P4NTH6lMD88BMNW5",
	};
	static const char *const other[] = {
		"\u04082AGC-F6B4J-M0V4P-4NTH6-1MD88-BMNW5", /* Cyrillic */
		"J2AGC-F6B4J-M0V4P-4NTH6-1MD88-BMNW\xf5",
		"J2AGC-F6B4J-M0V4P-4NTH6-1MD88-BMNW5\xe2\x80",
		"J2AGC-F6B4J-M0V4P-4NTH6-1MD88-BMNW\uff0e5\u00fc",
	};
	uint8_t key[KEY_LEN], got[KEY_LEN];
	struct failure f = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(parse(CODE, key, NULL), 0);
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		memset(got, 0, sizeof(got));
		assert_int_equal(parse(same[i], got, NULL), 0);
		assert_memory_equal(got, key, sizeof(key));
	}
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		assert_int_equal(parse(other[i], got, &f), -1);
		assert_non_null(strstr(f.what, "cannot be in a recovery code"));
	}
	assert_int_equal(parse("J2AGC\u2013\u0408", got, &f), -1);
	assert_non_null(strstr(f.what, "character 7 "));
}

/* Every single wrong character, and every two neighbours the wrong way round. */
static void test_typos(void **state)
{
	uint8_t key[KEY_LEN], zero[KEY_LEN] = { 0 };
	struct failure f = { 0 };
	char text[sizeof(CODE)];
	size_t i, k;

	(void)state;
	memset(key, 0, sizeof(key));
	for (i = 0; CODE[i]; i++) {
		if (CODE[i] == '-')
			continue;
		for (k = 0; alphabet[k]; k++) {
			if (alphabet[k] == CODE[i])
				continue;
			memcpy(text, CODE, sizeof(text));
			text[i] = alphabet[k];
			assert_int_equal(parse(text, key, &f), -1);
			assert_int_equal(f.code, FAIL_BAD_VALUE);
			assert_non_null(strstr(f.what, "typing error"));
		}
		k = CODE[i + 1] == '-' ? i + 2 : i + 1;
		if (!CODE[i + 1] || CODE[k] == CODE[i])
			continue;
		memcpy(text, CODE, sizeof(text));
		text[i] = CODE[k];
		text[k] = CODE[i];
		assert_int_equal(parse(text, key, NULL), -1);
	}
	assert_memory_equal(key, zero, sizeof(key));
}

static void test_shapes(void **state)
{
	uint8_t key[KEY_LEN], zero[KEY_LEN] = { 0 };
	struct failure f = { 0 };
	char *exact, byte;
	size_t i;
	int c;

	(void)state;
	memset(key, 0, sizeof(key));
	for (i = 0; i < strlen(CODE); i++) {
		exact = malloc(i ? i : 1);
		memcpy(exact, CODE, i);
		f.code = FAIL_NONE;
		assert_int_equal(recovery_parse(exact, i, key, &f), -1);
		assert_int_equal(f.code, FAIL_BAD_VALUE);
		assert_non_null(strstr(f.what, "30 characters"));
		free(exact);
	}
	/* bytes that are in no code: named by their place, not by what they are */
	for (c = 0; c < 256; c++) {
		byte = (char)c;
		if (byte == ' ' || byte == '-' || byte == '\t' ||
		    (c < 128 && c > 0 && strchr("oOiIlL", c)) ||
		    (c > 0 && strchr(alphabet, c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c)))
			continue;
		assert_int_equal(recovery_parse(&byte, 1, key, &f), -1);
		assert_string_equal(f.what, "character 1 cannot be in a recovery code");
	}
	exact = malloc(100000);
	memset(exact, '7', 100000);
	assert_int_equal(recovery_parse(exact, 100000, key, &f), -1);
	assert_non_null(strstr(f.what, "100000"));
	free(exact);
	assert_memory_equal(key, zero, sizeof(key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),	  cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_spellings), cmocka_unit_test(test_typography),
		cmocka_unit_test(test_typos),	  cmocka_unit_test(test_shapes),
	};

	if (libsodium_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
