/*
 * tests/vault/test_vault_damage.c - the vault's bytes in bad hands: every bit
 * changed, every length, forged checksums, and an arena without room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "vault/arena.h"
#include "vault/crypto.h"
#include "vault/entries.h"
#include "vault/entry.h"
#include "vault/inspect.h"
#include "vault/kdf.h"
#include "vault/lock_settings.h"
#include "vault/slot.h"
#include "vault/slots.h"
#include "vault/vault.h"

static struct arena *arena;
static uint8_t key_a[KEY_LEN] = { 1, 2, 3 }, key_b[KEY_LEN] = { 4, 5, 6 };

static int setup(void **state)
{
	(void)state;
	arena = arena_new(ARENA_DEFAULT, NULL);
	return arena ? 0 : -1;
}

/* Whatever a test did, nothing stays in the arena. */
static int teardown(void **state)
{
	size_t left = arena_used(arena);

	(void)state;
	arena_free(arena);
	return left == 0 ? 0 : -1;
}

/* A vault with a keyring slot (key_a), a passphrase and a keyfile slot (key_b),
 * settings and one entry. */
static void sample(uint8_t **file, size_t *n)
{
	struct slot_info first = { .kind = SLOT_KEYRING, .created = 100, .label = "first" };
	struct slot_info info = { .kind = SLOT_PASSPHRASE, .label = "p" };
	struct slot_info host = { .kind = SLOT_KEYFILE,
				  .material = "public key",
				  .material_len = 10 };
	struct lock_settings settings = { 1800, 43200, LOCK_SCREEN, false };
	struct vault *v = vault_create(arena, &first, key_a, NULL);
	struct entry e = { .name = "zai",
			   .origin = "bearer https://zai.example",
			   .variable = "ANTHROPIC_AUTH_TOKEN",
			   .policy = "delivery=auto" };

	assert_non_null(v);
	e.token = (const uint8_t *)"TOKEN-IN-THE-CLEAR";
	e.token_len = 18;
	kdf_fresh(&info.kdf);
	info.kdf.ops = KDF_OPS_MIN;
	info.kdf.mem = KDF_MEM_MIN;
	assert_int_equal(vault_slot_add(v, &info, key_b, NULL), 0);
	assert_int_equal(vault_slot_add(v, &host, key_b, NULL), 0);
	assert_int_equal(vault_lock_settings_set(v, &settings, NULL), 0);
	assert_int_equal(vault_put(v, &e, NULL), 0);
	assert_int_equal(vault_seal(v, file, n, NULL), 0);
	vault_free(v);
}

static void test_nothing_in_the_clear(void **state)
{
	uint8_t *file, *second;
	size_t n, m;

	(void)state;
	sample(&file, &n);
	assert_null(memmem(file, n, "TOKEN", 5));
	assert_null(memmem(file, n, "zai", 3));
	assert_null(memmem(file, n, "example", 7));
	sample(&second, &m);
	assert_int_equal(n, m);
	assert_memory_not_equal(file + 28, second + 28, VAULT_ID_LEN);
	free(file);
	free(second);
}

/* Every bit of every byte: damaged or truncated, never open, never newer. */
static void test_every_bit(void **state)
{
	struct vault_public public;
	struct failure f;
	uint8_t *file;
	size_t n, i;
	int bit;

	(void)state;
	sample(&file, &n);
	for (i = 0; i < n; i++)
		for (bit = 0; bit < 8; bit++) {
			file[i] ^= (uint8_t)(1 << bit);
			f.code = FAIL_NONE;
			assert_int_equal(vault_inspect(file, n, &public, &f), -1);
			if (f.code != FAIL_DAMAGED && f.code != FAIL_TRUNCATED)
				fail_msg("byte %zu bit %d: %s", i, bit, f.what);
			assert_null(vault_open(arena, file, n, 1, key_a, NULL));
			file[i] ^= (uint8_t)(1 << bit);
		}
	assert_int_equal(vault_inspect(file, n, &public, NULL), 0);
	free(file);
}

static void test_every_length(void **state)
{
	struct vault_public public;
	struct failure f;
	uint8_t *file, *copy;
	size_t n, i;

	(void)state;
	sample(&file, &n);
	for (i = 0; i < n; i++) {
		/* a copy of just that size, so that a sanitizer sees a read past it */
		copy = malloc(i ? i : 1);
		memcpy(copy, file, i);
		f.code = FAIL_NONE;
		assert_int_equal(vault_inspect(copy, i, &public, &f), -1);
		assert_int_equal(f.code, FAIL_TRUNCATED);
		free(copy);
	}
	free(file);
}

/* As above with a checksum that fits: the keyed parts refuse it. */
static void test_every_byte_forged(void **state)
{
	struct failure f;
	struct vault *v;
	uint8_t *file;
	size_t n, i;

	(void)state;
	sample(&file, &n);
	for (i = 0; i < n - 32; i++) {
		file[i] ^= 1;
		blake2b_256(file + n - 32, file, n - 32, NULL, 0);
		v = vault_open(arena, file, n, 1, key_a, &f);
		if (v)
			fail_msg("byte %zu: opened", i);
		file[i] ^= 1;
	}
	blake2b_256(file + n - 32, file, n - 32, NULL, 0);
	v = vault_open(arena, file, n, 1, key_a, NULL);
	assert_non_null(v);
	vault_free(v);
	free(file);
}

static void test_too_large_file(void **state)
{
	struct vault_public public;
	struct failure f = { 0 };
	uint8_t *big = calloc(1, VAULT_FILE_MAX + 1);

	(void)state;
	memcpy(big, "ccrunvlt", 8);
	assert_int_equal(vault_inspect(big, VAULT_FILE_MAX + 1, &public, &f), -1);
	assert_int_equal(f.code, FAIL_TOO_LARGE);
	free(big);
}

/* An arena without room: an error each time, and nothing left behind. */
static void test_full_arena(void **state)
{
	struct slot_info info = { .kind = SLOT_KEYFILE };
	struct arena *small = arena_new(ARENA_LEAST, NULL);
	struct failure f = { 0 };
	struct vault *v;
	uint8_t *file;
	void *block;
	size_t n, room;

	(void)state;
	sample(&file, &n);
	for (room = 0; room < 2048; room += 16) {
		block = arena_alloc(small, arena_size(small) - 112 - room, NULL);
		assert_non_null(block);
		f.code = FAIL_NONE;
		v = vault_open(small, file, n, 1, key_a, &f);
		if (!v)
			assert_int_equal(f.code, FAIL_NO_MEMORY);
		vault_free(v);
		v = vault_create(small, &info, key_a, NULL);
		vault_free(v);
		arena_release(small, block);
		assert_int_equal(arena_used(small), 0);
	}
	free(file);
	arena_free(small);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_nothing_in_the_clear), T(test_every_bit),      T(test_every_length),
		T(test_every_byte_forged),    T(test_too_large_file), T(test_full_arena),
	};

	if (libsodium_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
