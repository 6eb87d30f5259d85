/*
 * tests/vault/test_keyfile.c - host key pairs, keyfiles in good and bad hands,
 * and a slot's key as one line of text.
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
#include "vault/keyfile.h"
#include "tests/vault/vectors.h"
#include "vault/keytext.h"

#define MACHINE "0123456789abcdef0123456789abcdef"

static uint8_t seed[HOST_SEED_LEN] = { 11, 22, 33 }, key[KEY_LEN] = { 1, 2, 3, [31] = 9 };
static const uint8_t zero[KEY_LEN];

/* ---- a host's key pair ---- */

static void test_pair(void **state)
{
	uint8_t public[HOST_PUBLIC_LEN], secret[HOST_SEED_LEN], other[HOST_PUBLIC_LEN],
		again[HOST_SEED_LEN];

	(void)state;
	host_pair(seed, MACHINE, public, secret);
	host_pair(seed, MACHINE, other, again);
	assert_memory_equal(public, other, sizeof(public));
	assert_memory_equal(secret, again, sizeof(secret));
	assert_memory_not_equal(secret, seed, sizeof(seed));
	host_pair(seed, "", other, again);
	assert_memory_not_equal(public, other, sizeof(public));
	host_pair(seed, MACHINE "0", other, again);
	assert_memory_not_equal(public, other, sizeof(public));
	seed[31] ^= 1;
	host_pair(seed, MACHINE, other, again);
	seed[31] ^= 1;
	assert_memory_not_equal(public, other, sizeof(public));
}

static void test_public_text(void **state)
{
	char text[HOST_PUBLIC_TEXT], name[HOST_NAME_MAX + 1], copy[HOST_PUBLIC_TEXT + 2];
	uint8_t public[HOST_PUBLIC_LEN], secret[HOST_SEED_LEN], got[HOST_PUBLIC_LEN];
	struct failure f = { 0 };
	size_t n, i;

	(void)state;
	host_pair(seed, MACHINE, public, secret);
	host_public_format(public, "build-7.example_net", text);
	n = strlen(text);
	assert_int_equal(strncmp(text, "ccrun-host-1 ", 13), 0);
	assert_string_equal(text + 13 + 44, " build-7.example_net\n");
	assert_int_equal(host_public_parse(text, n, got, name, &f), 0);
	assert_memory_equal(got, public, sizeof(got));
	assert_string_equal(name, "build-7.example_net");
	assert_int_equal(host_public_parse(text, n - 1, got, name, NULL), 0);
	memcpy(copy, text, n);
	memcpy(copy + n - 1, "\r\n", 3);
	assert_int_equal(host_public_parse(copy, n + 1, got, name, NULL), 0);
	assert_string_equal(name, "build-7.example_net");
	/* up to the name's first character it is cut off */
	for (i = 0; i < 13 + 44 + 2; i++) {
		char *exact = malloc(i ? i : 1);

		memcpy(exact, text, i);
		f.code = FAIL_NONE;
		assert_int_equal(host_public_parse(exact, i, got, name, &f), -1);
		assert_int_equal(f.code, FAIL_DAMAGED);
		free(exact);
	}
	/* every character of word and key counts; the key's last one has spare bits */
	for (i = 0; i < 13 + 45; i++) {
		memcpy(copy, text, n + 1);
		copy[i] = '*';
		assert_int_equal(host_public_parse(copy, n, got, name, NULL), -1);
	}
	memcpy(copy, text, n + 1);
	copy[n - 3] = ' ';
	assert_int_equal(host_public_parse(copy, n, got, name, NULL), -1);
	copy[n - 3] = '\0';
	assert_int_equal(host_public_parse(copy, n, got, name, NULL), -1);
}

static void test_public_names(void **state)
{
	char text[HOST_PUBLIC_TEXT + 4], name[HOST_NAME_MAX + 1], longest[HOST_NAME_MAX + 10];
	uint8_t public[HOST_PUBLIC_LEN], secret[HOST_SEED_LEN], got[HOST_PUBLIC_LEN];

	(void)state;
	host_pair(seed, MACHINE, public, secret);
	host_public_format(public, "a b\n\xc3\xbc\x1b[2J", text);
	assert_int_equal(host_public_parse(text, strlen(text), got, name, NULL), 0);
	assert_string_equal(name, "a-b-----2J");
	host_public_format(public, "", text);
	assert_int_equal(host_public_parse(text, strlen(text), got, name, NULL), 0);
	assert_string_equal(name, "host");
	memset(longest, 'n', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	host_public_format(public, longest, text);
	assert_int_equal(host_public_parse(text, strlen(text), got, name, NULL), 0);
	assert_int_equal(strlen(name), HOST_NAME_MAX);
	strcpy(text + strlen(text) - 1, "n\n");
	assert_int_equal(host_public_parse(text, strlen(text), got, name, NULL), -1);
}

/* Points of small order, with which everyone has the same secret: none is a host. */
static void test_weak_points(void **state)
{
	static const uint8_t weak[][HOST_PUBLIC_LEN] = {
		{ 0 },
		{ 1 },
		{ 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
		  0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
		  0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
		{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
	};
	uint8_t got[HOST_PUBLIC_LEN], file[KEYFILE_LEN];
	char text[HOST_PUBLIC_TEXT], name[HOST_NAME_MAX + 1];
	struct keyfile_info info = { .slot = 1 };
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
		host_public_format(weak[i], "weak", text);
		assert_int_equal(host_public_parse(text, strlen(text), got, name, NULL), -1);
		memcpy(info.host, weak[i], sizeof(info.host));
		memset(file, 0xaa, sizeof(file));
		assert_int_equal(keyfile_seal(&info, key, file), -1);
		for (k = 0; k < sizeof(file); k++)
			assert_int_equal(file[k], 0);
	}
}

static void test_secret_text(void **state)
{
	char text[HOST_SECRET_TEXT], copy[HOST_SECRET_TEXT];
	uint8_t got[HOST_SEED_LEN];
	struct failure f = { 0 };
	size_t n, i;

	(void)state;
	host_secret_format(seed, text);
	n = strlen(text);
	assert_int_equal(n, 20 + 44 + 1);
	assert_int_equal(strncmp(text, "ccrun-host-secret-1 ", 20), 0);
	assert_int_equal(host_secret_parse(text, n, got, NULL), 0);
	assert_memory_equal(got, seed, sizeof(got));
	assert_int_equal(host_secret_parse(text, n - 1, got, NULL), 0);
	for (i = 0; i < n - 1; i++) {
		char *exact = malloc(i ? i : 1);

		memcpy(exact, text, i);
		memset(got, 1, sizeof(got));
		f.code = FAIL_NONE;
		assert_int_equal(host_secret_parse(exact, i, got, &f), -1);
		assert_int_equal(f.code, FAIL_DAMAGED);
		assert_memory_equal(got, zero, sizeof(got));
		free(exact);
		memcpy(copy, text, n + 1);
		copy[i] = '*';
		assert_int_equal(host_secret_parse(copy, n, got, NULL), -1);
		assert_memory_equal(got, zero, sizeof(got));
	}
	memcpy(copy, text, n);
	memcpy(copy + n - 1, "A\n", 2);
	assert_int_equal(host_secret_parse(copy, n + 1, got, NULL), -1);
}

/* ---- keyfiles ---- */

static uint8_t host[HOST_PUBLIC_LEN], secret_half[HOST_SEED_LEN], keyfile[KEYFILE_LEN];

static int setup(void **state)
{
	struct keyfile_info info = { .vault = "sixteen-byte-id", .slot = 0x01020304 };

	(void)state;
	host_pair(seed, MACHINE, host, secret_half);
	memcpy(info.host, host, sizeof(host));
	return keyfile_seal(&info, key, keyfile);
}

static void fails(const uint8_t *file, size_t n, enum fail_code code)
{
	struct keyfile_info info;
	struct failure f = { 0 };
	uint8_t got[KEY_LEN] = { 0 };

	assert_int_equal(keyfile_inspect(file, n, &info, &f), -1);
	assert_int_equal(f.code, code);
	assert_int_equal(keyfile_open(file, n, host, secret_half, got, NULL), -1);
	assert_memory_equal(got, zero, sizeof(got));
}

static void test_keyfile(void **state)
{
	uint8_t got[KEY_LEN], second[KEYFILE_LEN];
	struct keyfile_info info;

	(void)state;
	assert_int_equal(keyfile_inspect(keyfile, KEYFILE_LEN, &info, NULL), 0);
	assert_memory_equal(info.vault, "sixteen-byte-id", VAULT_ID_LEN);
	assert_int_equal(info.slot, 0x01020304);
	assert_memory_equal(info.host, host, sizeof(host));
	assert_int_equal(keyfile_open(keyfile, KEYFILE_LEN, host, secret_half, got, NULL), 0);
	assert_memory_equal(got, key, sizeof(got));
	assert_null(memmem(keyfile, KEYFILE_LEN, key, KEY_LEN));
	/* sealed twice, nothing but the head is alike */
	assert_int_equal(keyfile_seal(&info, key, second), 0);
	assert_memory_equal(keyfile, second, 62);
	assert_memory_not_equal(keyfile + 62, second + 62, 32);
	assert_memory_not_equal(keyfile + 94, second + 94, 48);
}

static void expect_wrong_key(const uint8_t *file, const char *with_machine, uint8_t first)
{
	uint8_t s[HOST_SEED_LEN], public[HOST_PUBLIC_LEN], secret[HOST_SEED_LEN],
		got[KEY_LEN] = { 0 };
	struct failure f = { 0 };

	memcpy(s, seed, sizeof(s));
	s[0] = first;
	host_pair(s, with_machine, public, secret);
	assert_int_equal(keyfile_open(file, KEYFILE_LEN, public, secret, got, &f), -1);
	assert_int_equal(f.code, FAIL_WRONG_KEY);
	assert_memory_equal(got, zero, sizeof(got));
	/* who says to be that host has its public key, not its secret */
	assert_int_equal(keyfile_open(file, KEYFILE_LEN, host, secret, got, &f), -1);
	assert_int_equal(f.code, FAIL_WRONG_KEY);
	assert_memory_equal(got, zero, sizeof(got));
}

static void test_elsewhere(void **state)
{
	(void)state;
	expect_wrong_key(keyfile, MACHINE, seed[0] ^ 1);
	expect_wrong_key(keyfile, "fedcba9876543210fedcba9876543210", seed[0]);
	expect_wrong_key(keyfile, "", seed[0]);
}

static void test_every_length(void **state)
{
	uint8_t *copy;
	size_t i;

	(void)state;
	fails(NULL, 0, FAIL_TRUNCATED);
	for (i = 0; i < KEYFILE_LEN; i++) {
		copy = malloc(i ? i : 1);
		memcpy(copy, keyfile, i);
		fails(copy, i, FAIL_TRUNCATED);
		free(copy);
	}
	copy = calloc(1, KEYFILE_LEN + 1);
	memcpy(copy, keyfile, KEYFILE_LEN);
	fails(copy, KEYFILE_LEN + 1, FAIL_DAMAGED);
	free(copy);
}

/* A changed bit is damage, in the version too; with a checksum that fits it
 * opens nowhere, or to what it says and no more. */
static void test_every_bit(void **state)
{
	uint8_t file[KEYFILE_LEN], got[KEY_LEN];
	size_t i;
	int bit, r;

	(void)state;
	for (i = 0; i < KEYFILE_LEN; i++)
		for (bit = 0; bit < 8; bit++) {
			memcpy(file, keyfile, KEYFILE_LEN);
			file[i] ^= (uint8_t)(1 << bit);
			fails(file, KEYFILE_LEN, FAIL_DAMAGED);
			if (i >= KEYFILE_LEN - 32)
				continue;
			blake2b_256(file + KEYFILE_LEN - 32, file, KEYFILE_LEN - 32, NULL, 0);
			r = keyfile_open(file, KEYFILE_LEN, host, secret_half, got, NULL);
			/* vault and slot are not sealed: the vault's slot tells */
			assert_int_equal(r, i >= 10 && i < 30 ? 0 : -1);
			if (r == 0)
				assert_memory_equal(got, key, sizeof(got));
		}
}

static void test_versions(void **state)
{
	uint8_t file[KEYFILE_LEN + 8] = { 0 };

	(void)state;
	memcpy(file, keyfile, KEYFILE_LEN);
	file[8] = 0;
	blake2b_256(file + KEYFILE_LEN - 32, file, KEYFILE_LEN - 32, NULL, 0);
	fails(file, KEYFILE_LEN, FAIL_DAMAGED);
	file[8] = 2;
	fails(file, KEYFILE_LEN, FAIL_DAMAGED);
	blake2b_256(file + KEYFILE_LEN - 32, file, KEYFILE_LEN - 32, NULL, 0);
	fails(file, KEYFILE_LEN, FAIL_NEWER);
	blake2b_256(file + sizeof(file) - 32, file, sizeof(file) - 32, NULL, 0);
	fails(file, sizeof(file), FAIL_NEWER);
}

static void test_keyfile_vectors(void **state)
{
	enum { NAME, SEED, MACHINE_ID, RESULT, STAGE, VAULT, SLOT, KEY, FIELDS };
	uint8_t *file, s[HOST_SEED_LEN], public[HOST_PUBLIC_LEN], secret[HOST_SEED_LEN],
		got[KEY_LEN];
	FILE *in = vector_open("keyfile", "INDEX");
	char *field[FIELDS], hex[2 * KEY_LEN + 1];
	struct keyfile_info info;
	unsigned count = 0;
	struct failure f;
	const char *stage;
	size_t n;
	int r;

	(void)state;
	for (; vector_line(in, field, FIELDS); count++) {
		n = vector_file("keyfile", field[NAME], 4096, &file);
		vector_hex(field[SEED], s, sizeof(s));
		host_pair(s, strcmp(field[MACHINE_ID], "-") == 0 ? "" : field[MACHINE_ID], public,
			  secret);
		f.code = FAIL_NONE;
		stage = keyfile_inspect(file, n, &info, NULL) == 0 ? "open" : "inspect";
		r = keyfile_open(file, n, public, secret, got, &f);
		if (strcmp(r == 0 ? "ok" : fail_name(f.code), field[RESULT]) != 0 ||
		    strcmp(stage, field[STAGE]) != 0)
			fail_msg("%s: got %s at %s", field[NAME], r == 0 ? "ok" : fail_name(f.code),
				 stage);
		if (r == 0) {
			hex_encode(hex, info.vault, VAULT_ID_LEN);
			assert_string_equal(hex, field[VAULT]);
			assert_int_equal(info.slot, strtoul(field[SLOT], NULL, 10));
			hex_encode(hex, got, KEY_LEN);
			assert_string_equal(hex, field[KEY]);
		}
		free(file);
	}
	assert_true(count >= 30);
	fclose(in);
}

/* ---- one line of text ---- */

static const uint8_t vault[VAULT_ID_LEN + 1] = "sixteen-byte-id";

static int parse(const char *text, size_t n, uint32_t *slot, uint8_t *got, struct failure *f)
{
	char *exact = malloc(n ? n : 1);
	uint8_t id[VAULT_ID_LEN];
	int r;

	memcpy(exact, text, n);
	memset(got, 1, KEY_LEN);
	r = keytext_parse(exact, n, id, slot, got, f);
	free(exact);
	if (r == 0)
		assert_memory_equal(id, vault, VAULT_ID_LEN);
	else
		assert_memory_equal(got, zero, KEY_LEN);
	return r;
}

static void test_keytext(void **state)
{
	static const uint32_t slots[] = { 1, 9, 10, 64, 4294967294u, UINT32_MAX };
	char text[KEYTEXT_MAX], copy[KEYTEXT_MAX + 8];
	struct failure f = { 0 };
	uint8_t got[KEY_LEN];
	uint32_t slot;
	size_t i, k, n;

	(void)state;
	for (i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
		n = keytext_format(vault, slots[i], key, text);
		assert_int_equal(n, strlen(text));
		assert_int_equal(strncmp(text, "ccrun-key-1 7369787465656e2d627974652d696400 ", 45),
				 0);
		assert_int_equal(parse(text, n, &slot, got, &f), 0);
		assert_int_equal(slot, slots[i]);
		assert_memory_equal(got, key, sizeof(got));
		assert_int_equal(parse(text, n - 1, &slot, got, &f), 0);
		/* cut anywhere, and with something behind it */
		for (k = 0; k < n - 1; k++) {
			assert_int_equal(parse(text, k, &slot, got, &f), -1);
			assert_true(f.code == FAIL_TRUNCATED || f.code == FAIL_DAMAGED);
			if (i == 0)
				assert_int_equal(f.code, FAIL_TRUNCATED);
			memcpy(copy, text, n);
			copy[k] = '*';
			assert_int_equal(parse(copy, n, &slot, got, NULL), -1);
		}
		memcpy(copy, text, n);
		for (k = 0; k < 256; k++) {
			copy[n - 1] = (char)k;
			assert_int_equal(parse(copy, n, &slot, got, NULL),
					 k == '\n' || k == '\r' ? 0 : -1);
		}
		memcpy(copy + n - 1, "\nx", 2);
		assert_int_equal(parse(copy, n + 1, &slot, got, &f), -1);
		assert_int_equal(f.code, FAIL_DAMAGED);
	}
}

static void test_keytext_numbers(void **state)
{
	static const char *const bad[] = { "0",
					   "4294967296",
					   "9999999999",
					   "18446744073709551617",
					   "-1",
					   "+1",
					   "1 ",
					   " 1",
					   "0x1",
					   "1.0",
					   "" };
	char text[KEYTEXT_MAX * 2], hex[2 * KEY_LEN + 1];
	uint8_t got[KEY_LEN];
	uint32_t slot;
	size_t i;

	(void)state;
	hex_encode(hex, key, KEY_LEN);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "ccrun-key-1 7369787465656e2d627974652d696400 %s %s\n",
			 bad[i], hex);
		assert_int_equal(parse(text, strlen(text), &slot, got, NULL), -1);
	}
	snprintf(text, sizeof(text), "ccrun-key-2 7369787465656e2d627974652d696400 1 %s\n", hex);
	assert_int_equal(parse(text, strlen(text), &slot, got, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pair),
		cmocka_unit_test(test_public_text),
		cmocka_unit_test(test_public_names),
		cmocka_unit_test(test_weak_points),
		cmocka_unit_test(test_secret_text),
		cmocka_unit_test(test_keyfile),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_keyfile_vectors),
		cmocka_unit_test(test_keytext),
		cmocka_unit_test(test_keytext_numbers),
	};

	if (libsodium_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, setup, NULL);
}
