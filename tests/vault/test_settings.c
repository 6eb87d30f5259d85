/*
 * tests/vault/test_settings.c - what locks the vault by itself: the default, a
 * change, its undo, through a file, and a vault of version 1 that has none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/vault/vault_fixture.h"
#include "tests/vault/vectors.h"
#include "vault/crypto.h"
#include "vault/lock_settings.h"
#include "vault/undo.h"

static void expect(const struct vault *v, uint64_t idle, uint64_t longest, unsigned events)
{
	struct lock_settings s = vault_lock_settings(v);

	assert_int_equal(s.idle, idle);
	assert_int_equal(s.longest, longest);
	assert_int_equal(s.events, events);
}

static void set(struct vault *v, uint64_t idle, uint64_t longest, unsigned events)
{
	struct lock_settings s = { idle, longest, events, false };

	assert_int_equal(vault_lock_settings_set(v, &s, NULL), 0);
}

static void test_default(void **state)
{
	struct vault *v = fresh();

	(void)state;
	expect(v, 0, 0, LOCK_EVENTS_ALL);
	v = again(v);
	expect(v, 0, 0, LOCK_EVENTS_ALL);
	vault_free(v);
}

static void test_set(void **state)
{
	struct vault *v = fresh();

	(void)state;
	set(v, 1800, 43200, LOCK_SUSPEND | LOCK_LOGOUT);
	expect(v, 1800, 43200, LOCK_SUSPEND | LOCK_LOGOUT);
	put(v, "zai", "token");
	v = again(v);
	expect(v, 1800, 43200, LOCK_SUSPEND | LOCK_LOGOUT);
	expect_token(v, "zai", "token");
	set(v, LOCK_TIME_MAX, LOCK_TIME_MAX, 0);
	v = again(v);
	expect(v, LOCK_TIME_MAX, LOCK_TIME_MAX, 0);
	vault_free(v);
}

static void test_undo(void **state)
{
	struct vault *v = fresh();

	(void)state;
	set(v, 60, 0, LOCK_SCREEN);
	vault_undo(v);
	expect(v, 0, 0, LOCK_EVENTS_ALL);
	vault_undo(v);
	expect(v, 0, 0, LOCK_EVENTS_ALL);
	set(v, 60, 0, LOCK_SCREEN);
	vault_commit(v);
	set(v, 120, 7, 0);
	vault_undo(v);
	expect(v, 60, 0, LOCK_SCREEN);
	/* a settings change forgets the entry before it, and the other way round */
	put(v, "zai", "token");
	set(v, 5, 5, 0);
	vault_undo(v);
	expect_token(v, "zai", "token");
	expect(v, 60, 0, LOCK_SCREEN);
	set(v, 5, 5, 0);
	put(v, "b", "token");
	vault_undo(v);
	expect(v, 5, 5, 0);
	expect_token(v, "b", NULL);
	vault_free(v);
}

static void test_refused(void **state)
{
	static const struct lock_settings bad[] = {
		{ LOCK_TIME_MAX + 1, 0, 0, false },
		{ 0, LOCK_TIME_MAX + 1, 0, false },
		{ UINT64_MAX, 0, 7, false },
		{ 0, UINT64_MAX, 7, false },
		{ 0, 0, 8, false },
		{ 0, 0, ~0u, true },
	};
	struct vault *v = fresh();
	struct failure f;
	size_t i;

	(void)state;
	set(v, 1, 2, 3);
	vault_commit(v);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(v, "zai", "token");
		f.code = FAIL_NONE;
		assert_int_equal(vault_lock_settings_set(v, &bad[i], &f), -1);
		assert_int_equal(f.code, FAIL_BAD_VALUE);
		expect(v, 1, 2, 3);
		vault_undo(v);
		expect_token(v, "zai", "token");
	}
	vault_free(v);
}

/* A vault of version 1 opens, has the default, and is version 2 from then on. */
static void test_version_1(void **state)
{
	static const char hex[] =
		"6a6c11b00abc972195f670682c0c77c6e2865446bccead044fe8f0d7c678028e";
	uint8_t key[KEY_LEN], *file;
	struct vault *v;
	size_t n = vector_file("vault", "ok-two-entries.vault", VAULT_FILE_MAX, &file);

	(void)state;
	vector_hex(hex, key, sizeof(key));
	assert_int_equal(file[8], 1);
	v = opens(file, n, 2, key);
	free(file);
	expect(v, 0, 0, LOCK_EVENTS_ALL);
	set(v, 900, 0, LOCK_SUSPEND);
	n = sealed(v, &file);
	vault_free(v);
	assert_int_equal(file[8], 2);
	v = opens(file, n, 2, key);
	expect(v, 900, 0, LOCK_SUSPEND);
	assert_int_equal(vault_count(v), 2);
	assert_int_equal(vault_generation(v), 8);
	vault_free(v);
	free(file);
}

/* The lowest version that holds the contents: 4 while the log is durable. */
static void test_durable(void **state)
{
	struct lock_settings s = { 60, 0, LOCK_SCREEN, true }, not = { 60, 0, LOCK_SCREEN, false };
	struct vault *v = fresh();
	uint8_t *file;

	(void)state;
	put(v, "zai", "token");
	assert_int_equal(vault_lock_settings_set(v, &s, NULL), 0);
	sealed(v, &file);
	assert_int_equal(file[8], 4);
	free(file);
	v = again(v);
	assert_true(vault_lock_settings(v).durable);
	expect(v, 60, 0, LOCK_SCREEN);
	expect_token(v, "zai", "token");
	assert_true(lock_settings_loosen(&s, &not ));
	assert_false(lock_settings_loosen(&not, &s));
	assert_int_equal(vault_lock_settings_set(v, &not, NULL), 0);
	vault_undo(v);
	assert_true(vault_lock_settings(v).durable);
	assert_int_equal(vault_lock_settings_set(v, &not, NULL), 0);
	sealed(v, &file);
	assert_int_equal(file[8], 2);
	free(file);
	v = again(v);
	assert_false(vault_lock_settings(v).durable);
	vault_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_durable), T(test_default), T(test_set),
		T(test_undo),	 T(test_refused), T(test_version_1),
	};

	if (libsodium_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
