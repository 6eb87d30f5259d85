/*
 * tests/vault/test_sleep.c - tokens that leave memory while the vault is open,
 * entries that stay while it is locked, backups, and numbers that are followed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/vault/vault_fixture.h"
#include "vault/crypto.h"
#include "vault/lock_settings.h"
#include "vault/slots.h"
#include "vault/tokens.h"
#include "vault/undo.h"

#define TOKEN "token-that-sleeps-0123456789"

static struct vault *two(uint8_t **file, size_t *n)
{
	struct vault *v = fresh();

	put(v, "awake", "token-that-stays-0123456789");
	put(v, "sleepy", TOKEN);
	*n = sealed(v, file);
	return v;
}

static void test_sleep(void **state)
{
	uint8_t *file, *none;
	size_t n, m, used;
	struct vault *v = two(&file, &n);
	struct failure f = { 0 };
	const struct entry *e;

	(void)state;
	assert_true(arena_holds(TOKEN, strlen(TOKEN)));
	used = arena_used(arena);
	vault_token_sleep(v, "none");
	vault_token_sleep(v, "sleepy");
	vault_token_sleep(v, "sleepy");
	assert_int_equal(vault_tokens_asleep(v), 1);
	/* gone, and not a piece of it left anywhere in locked memory */
	assert_false(arena_holds(TOKEN, strlen(TOKEN)));
	assert_false(arena_holds("that-sleeps", 11));
	assert_true(arena_used(arena) < used);
	e = vault_find(v, "sleepy");
	assert_null(e->token);
	assert_int_equal(e->token_len, strlen(TOKEN));
	assert_string_equal(e->origin, "bearer https://sleepy.example");
	/* what would write it as nothing is refused */
	assert_int_equal(vault_seal(v, &none, &m, &f), -1);
	assert_int_equal(f.code, FAIL_LOCKED);
	assert_null(none);
	assert_int_equal(vault_put(v, e, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);

	assert_int_equal(vault_tokens_wake(v, file, n, NULL), 0);
	assert_int_equal(vault_tokens_asleep(v), 0);
	assert_int_equal(arena_used(arena), used);
	expect_token(v, "sleepy", TOKEN);
	expect_token(v, "awake", "token-that-stays-0123456789");
	v = again(v);
	expect_token(v, "sleepy", TOKEN);
	vault_free(v);
	assert_false(arena_holds("that-s", 6));
	free(file);
}

/* With nobody asleep the file is not even looked at. */
static void test_wake_nobody(void **state)
{
	struct vault *v = fresh();

	(void)state;
	assert_int_equal(vault_tokens_wake(v, NULL, 0, NULL), 0);
	vault_free(v);
}

static void wake_fails(struct vault *v, const uint8_t *file, size_t n, enum fail_code code)
{
	size_t used = arena_used(arena);
	struct failure f = { 0 };

	assert_int_equal(vault_tokens_wake(v, file, n, &f), -1);
	assert_int_equal(f.code, code);
	assert_int_equal(vault_tokens_asleep(v), 1);
	assert_int_equal(arena_used(arena), used);
	assert_false(arena_holds("that-sleeps", 11));
}

/* An older file has the same key: what it holds is not this vault's token. */
static void test_wake_from_another_file(void **state)
{
	uint8_t *old, *present, *other;
	size_t n, m, k;
	struct vault *v = two(&old, &n), *w;

	(void)state;
	put(v, "sleepy", "TOKEN-THAT-IS-NEW-0123456789");
	m = sealed(v, &present);
	w = two(&other, &k);
	vault_token_sleep(w, "sleepy");
	vault_token_sleep(v, "sleepy");
	wake_fails(v, old, n, FAIL_CHANGED);
	wake_fails(v, other, k, FAIL_CHANGED);
	wake_fails(v, present, m - 1, FAIL_TRUNCATED);
	present[m - 40] ^= 1;
	wake_fails(v, present, m, FAIL_DAMAGED);
	blake2b_256(present + m - 32, present, m - 32, NULL, 0);
	wake_fails(v, present, m, FAIL_DAMAGED);
	present[m - 40] ^= 1;
	blake2b_256(present + m - 32, present, m - 32, NULL, 0);
	assert_int_equal(vault_tokens_wake(v, present, m, NULL), 0);
	expect_token(v, "sleepy", "TOKEN-THAT-IS-NEW-0123456789");
	vault_free(v);
	vault_free(w);
	free(old);
	free(present);
	free(other);
}

/* A change with a token asleep: woken, changed, taken back. */
static void test_sleep_and_undo(void **state)
{
	uint8_t *file;
	size_t n;
	struct vault *v = two(&file, &n);

	(void)state;
	vault_token_sleep(v, "sleepy");
	assert_int_equal(vault_remove(v, "sleepy", NULL), 0);
	assert_int_equal(vault_tokens_asleep(v), 0);
	vault_undo(v);
	assert_int_equal(vault_tokens_asleep(v), 1);
	assert_int_equal(vault_rename(v, "sleepy", "other", NULL), 0);
	vault_undo(v);
	assert_int_equal(vault_tokens_wake(v, file, n, NULL), 0);
	expect_token(v, "sleepy", TOKEN);
	/* replaced while it sleeps: undo brings the sleeper back */
	vault_token_sleep(v, "sleepy");
	put(v, "sleepy", "another");
	vault_undo(v);
	assert_int_equal(vault_tokens_asleep(v), 1);
	vault_free(v);
	free(file);
}

static void test_touch(void **state)
{
	struct vault *v = fresh();

	(void)state;
	put(v, "a", "t");
	vault_set_since(v, 1234);
	put(v, "b", "t");
	assert_int_equal(vault_find(v, "a")->since, 1234);
	assert_int_equal(vault_find(v, "b")->since, 0);
	vault_free(v);
}

/* In an arena without room each change fails whole: nothing is lost, nothing
 * stays behind, and with room it works. */
static void test_full_arena(void **state)
{
	struct slot_info info = { .kind = SLOT_RECOVERY };
	struct slot_key keep = { 1, key_a };
	uint8_t *file, *backup;
	size_t n, m, used, room, worked = 0;
	struct vault *v = two(&file, &n);
	struct failure f = { 0 };
	void *block;

	(void)state;
	vault_token_sleep(v, "sleepy");
	for (room = 0; room < 4096; room += 16) {
		used = arena_used(arena);
		block = arena_alloc(arena, arena_size(arena) - used - 256 - room, NULL);
		assert_non_null(block);
		f.code = FAIL_NONE;
		if (vault_tokens_wake(v, file, n, &f) == 0) {
			worked++;
			expect_token(v, "sleepy", TOKEN);
			if (vault_backup(v, &info, key_b, &backup, &m, &f) == 0)
				free(backup);
			if (vault_rekey(v, &keep, 1, &f) == 0)
				vault_undo(v);
			vault_token_sleep(v, "sleepy");
		}
		assert_true(f.code == FAIL_NONE || f.code == FAIL_NO_MEMORY);
		assert_int_equal(vault_tokens_asleep(v), 1);
		arena_release(arena, block);
		assert_int_equal(arena_used(arena), used);
	}
	assert_true(worked > 0 && worked < 4096 / 16);
	assert_int_equal(vault_tokens_wake(v, file, n, NULL), 0);
	vault_free(v);
	free(file);
}

/* ---- narrowing ---- */

static bool keep_a(const struct entry *e)
{
	return e->name[0] == 'a';
}

static bool keep_all(const struct entry *e)
{
	(void)e;
	return true;
}

static bool keep_none(const struct entry *e)
{
	(void)e;
	return false;
}

static void test_narrow(void **state)
{
	struct slot_info info = { .kind = SLOT_RECOVERY };
	struct slot_key keep = { 1, key_a };
	uint8_t *file, *none = NULL;
	size_t n, m;
	struct vault *v = two(&file, &n);
	struct failure f = { 0 };

	(void)state;
	/* with something to undo: that is a secret as well */
	put(v, "awake", "replaced-token-0123456789");
	put(v, "abc", "third-token-0123456789");
	v = vault_narrow(v, keep_a);
	assert_non_null(v);
	assert_int_equal(vault_count(v), 2);
	expect_token(v, "awake", "replaced-token-0123456789");
	expect_token(v, "sleepy", NULL);
	assert_false(arena_holds("that-s", 6));
	/* nothing can be written, and nothing falls over */
	assert_int_equal(vault_seal(v, &none, &m, &f), -1);
	assert_int_equal(f.code, FAIL_LOCKED);
	f.code = FAIL_NONE;
	assert_int_equal(vault_slot_add(v, &info, key_b, &f), -1);
	assert_int_equal(f.code, FAIL_LOCKED);
	assert_int_equal(vault_slot_replace(v, 1, &info, key_b, NULL), -1);
	assert_int_equal(vault_rekey(v, &keep, 1, NULL), -1);
	f.code = FAIL_NONE;
	assert_int_equal(vault_backup(v, &info, key_b, &none, &m, &f), -1);
	assert_int_equal(f.code, FAIL_LOCKED);
	assert_null(none);
	vault_token_sleep(v, "abc");
	assert_int_equal(vault_tokens_wake(v, file, n, &f), -1);
	vault_undo(v);
	/* once more: the sleeper goes */
	v = vault_narrow(v, keep_all);
	assert_int_equal(vault_count(v), 1);
	assert_null(vault_narrow(v, keep_none));
	assert_null(vault_narrow(NULL, keep_all));
	assert_int_equal(arena_used(arena), 0);
	free(file);
}

/* Kept is what is in memory: a token that sleeps is not fetched for it. */
static void test_narrow_asleep(void **state)
{
	uint8_t *file;
	size_t n;
	struct vault *v = two(&file, &n);

	(void)state;
	vault_token_sleep(v, "awake");
	vault_token_sleep(v, "sleepy");
	assert_null(vault_narrow(v, keep_all));
	assert_int_equal(arena_used(arena), 0);
	free(file);
}

/* ---- backups ---- */

static void test_backup(void **state)
{
	struct slot_info info = { .kind = SLOT_PASSPHRASE, .label = "backup" };
	struct lock_settings s = { 60, 600, LOCK_SCREEN, false };
	uint8_t *file, *backup, id[VAULT_ID_LEN];
	size_t n, m, used;
	struct vault *v = two(&file, &n), *w;
	struct failure f = { 0 };

	(void)state;
	info.kdf = cheap();
	assert_int_equal(vault_lock_settings_set(v, &s, NULL), 0);
	vault_commit(v);
	put(v, "new", "token-of-new");
	used = arena_used(arena);
	memcpy(id, vault_id(v), VAULT_ID_LEN);
	assert_int_equal(vault_backup(v, &info, key_b, &backup, &m, &f), 0);
	assert_int_equal(info.id, 1);
	/* the vault is as it was, with its change to undo */
	assert_int_equal(arena_used(arena), used);
	assert_memory_equal(vault_id(v), id, VAULT_ID_LEN);
	assert_int_equal(vault_generation(v), 2);
	assert_int_equal(vault_slots(v), 1);
	vault_undo(v);
	expect_token(v, "new", NULL);
	vault_free(v);

	opens_not(backup, m, 1, key_a, FAIL_WRONG_KEY);
	w = opens(backup, m, 1, key_b);
	assert_memory_not_equal(vault_id(w), id, VAULT_ID_LEN);
	assert_int_equal(vault_generation(w), 1);
	assert_int_equal(vault_slots(w), 1);
	assert_int_equal(vault_slot(w, 0)->kind, SLOT_PASSPHRASE);
	assert_int_equal(vault_count(w), 3);
	expect_token(w, "sleepy", TOKEN);
	expect_token(w, "new", "token-of-new");
	assert_int_equal(vault_lock_settings(w).idle, 60);
	assert_int_equal(vault_lock_settings(w).events, LOCK_SCREEN);
	vault_free(w);
	free(backup);
	free(file);
}

static void test_backup_errors(void **state)
{
	struct slot_info info = { .kind = SLOT_PASSPHRASE };
	uint8_t *file, *backup;
	size_t n, m, used;
	struct vault *v = two(&file, &n);
	struct failure f = { 0 };

	(void)state;
	used = arena_used(arena);
	assert_int_equal(vault_backup(v, &info, key_b, &backup, &m, &f), -1);
	assert_int_equal(f.code, FAIL_KDF_BOUNDS);
	assert_null(backup);
	info.kdf = cheap();
	assert_int_equal(arena_used(arena), used);
	vault_token_sleep(v, "sleepy");
	assert_int_equal(vault_backup(v, &info, key_b, &backup, &m, &f), -1);
	assert_int_equal(f.code, FAIL_LOCKED);
	assert_null(backup);
	/* what was lent is still here */
	expect_token(v, "awake", "token-that-stays-0123456789");
	vault_free(v);
	free(file);
}

/* ---- numbers ---- */

static void test_follow(void **state)
{
	struct vault *v = fresh();
	struct failure f = { 0 };
	uint8_t *file = NULL;
	size_t n;

	(void)state;
	vault_raise_generation(v, 41);
	vault_raise_generation(v, 7);
	v = again(v);
	assert_int_equal(vault_generation(v), 42);
	/* a number that somebody made up does not use them up */
	vault_raise_generation(v, UINT64_MAX);
	vault_raise_generation(v, UINT64_MAX - 1);
	v = again(v);
	assert_int_equal(vault_generation(v), 43);
	vault_raise_generation(v, UINT64_MAX / 2);
	v = again(v);
	assert_true(vault_generation(v) == UINT64_MAX / 2 + 1);
	assert_int_equal(vault_seal(v, &file, &n, &f), 0);
	free(file);
	vault_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_sleep),	T(test_wake_nobody),	T(test_wake_from_another_file),
		T(test_touch),	T(test_sleep_and_undo), T(test_narrow),
		T(test_backup), T(test_narrow_asleep),	T(test_backup_errors),
		T(test_follow), T(test_full_arena),
	};

	if (libsodium_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
