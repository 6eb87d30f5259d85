/*
 * tests/unit/test_vault.c - the open vault: entries, slots, undo, sealing and
 * opening again, memory given back.
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
#include "secure/arena.h"
#include "secure/vault.h"

static struct arena *arena;
static uint8_t key_a[KEY_LEN] = { 1, 2, 3 }, key_b[KEY_LEN] = { 4, 5, 6 };

static struct vault *fresh(void)
{
	struct slot_info info = { .kind = SLOT_KEYRING, .created = 100, .label = "first" };
	struct vault *v = vault_create(arena, NULL, &info, key_a, NULL);

	assert_non_null(v);
	assert_int_equal(info.id, 1);
	return v;
}

static struct entry made(const char *name, const char *token)
{
	struct entry e = { .created = 10, .changed = 11, .used = 0 };

	snprintf(e.name, sizeof(e.name), "%s", name);
	snprintf(e.origin, sizeof(e.origin), "bearer https://%s.example", name);
	snprintf(e.variable, sizeof(e.variable), "ANTHROPIC_AUTH_TOKEN");
	snprintf(e.policy, sizeof(e.policy), "delivery=auto");
	e.token = (const uint8_t *)token;
	e.token_len = strlen(token);
	return e;
}

static void put(struct vault *v, const char *name, const char *token)
{
	struct entry e = made(name, token);
	struct failure f = { 0 };

	if (vault_put(v, &e, &f))
		fail_msg("%s", f.what);
}

static void expect_token(const struct vault *v, const char *name, const char *token)
{
	const struct entry *e = vault_find(v, name);

	if (!token) {
		assert_null(e);
		return;
	}
	assert_non_null(e);
	assert_int_equal(e->token_len, strlen(token));
	assert_memory_equal(e->token, token, e->token_len);
}

/* Seal, note it as written, open again; the first vault is freed. */
static struct vault *again(struct vault *v)
{
	struct failure f = { 0 };
	struct vault *w;
	uint8_t *file;
	size_t n;

	assert_int_equal(vault_seal(v, &file, &n, &f), 0);
	vault_sealed(v);
	w = vault_open(arena, file, n, 1, key_a, &f);
	if (!w)
		fail_msg("%s", f.what);
	assert_int_equal(vault_generation(v), vault_generation(w));
	assert_memory_equal(vault_id(v), vault_id(w), VAULT_ID_LEN);
	free(file);
	vault_free(v);
	return w;
}

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

static void test_round_trip(void **state)
{
	struct vault *v = fresh();
	const struct entry *e;

	(void)state;
	assert_int_equal(vault_generation(v), 0);
	v = again(v);
	assert_int_equal(vault_generation(v), 1);
	assert_int_equal(vault_count(v), 0);
	put(v, "zai", "token-of-zai");
	put(v, "anthropic", "token-of-anthropic");
	put(v, "openrouter", "t");
	v = again(v);
	assert_int_equal(vault_generation(v), 2);
	assert_int_equal(vault_count(v), 3);
	assert_string_equal(vault_at(v, 0)->name, "anthropic");
	assert_string_equal(vault_at(v, 1)->name, "openrouter");
	assert_string_equal(vault_at(v, 2)->name, "zai");
	assert_null(vault_at(v, 3));
	e = vault_find(v, "zai");
	assert_string_equal(e->origin, "bearer https://zai.example");
	assert_string_equal(e->variable, "ANTHROPIC_AUTH_TOKEN");
	assert_string_equal(e->policy, "delivery=auto");
	assert_int_equal(e->created, 10);
	assert_int_equal(e->changed, 11);
	assert_int_equal(e->used, 0);
	expect_token(v, "zai", "token-of-zai");
	expect_token(v, "none", NULL);
	vault_mark_used(v, "zai", 77);
	vault_mark_used(v, "none", 77);
	v = again(v);
	assert_int_equal(vault_find(v, "zai")->used, 77);
	vault_free(v);
	vault_free(NULL);
}

static void test_replace(void **state)
{
	struct vault *v = fresh();
	struct entry e = made("zai", "second-token");

	(void)state;
	put(v, "zai", "first-token");
	e.created = 999;
	e.changed = 1000;
	assert_int_equal(vault_put(v, &e, NULL), 0);
	assert_int_equal(vault_count(v), 1);
	assert_int_equal(vault_find(v, "zai")->created, 10);
	assert_int_equal(vault_find(v, "zai")->changed, 1000);
	expect_token(v, "zai", "second-token");
	/* the token may be the replaced entry's own */
	e = *vault_find(v, "zai");
	snprintf(e.policy, sizeof(e.policy), "nested=allow");
	assert_int_equal(vault_put(v, &e, NULL), 0);
	expect_token(v, "zai", "second-token");
	assert_int_equal(vault_put(v, vault_find(v, "zai"), NULL), 0);
	expect_token(v, "zai", "second-token");
	assert_string_equal(vault_find(v, "zai")->policy, "nested=allow");
	vault_free(v);
}

static void test_undo(void **state)
{
	struct vault *v = fresh();

	(void)state;
	put(v, "b", "first-token");
	vault_undo(v);
	expect_token(v, "b", NULL);
	vault_undo(v);
	assert_int_equal(vault_count(v), 0);

	put(v, "b", "first-token");
	put(v, "b", "second-token");
	vault_mark_used(v, "b", 50);
	vault_undo(v);
	expect_token(v, "b", "first-token");
	assert_int_equal(vault_find(v, "b")->used, 50);
	vault_undo(v);
	expect_token(v, "b", "first-token");

	put(v, "a", "a");
	put(v, "c", "c");
	assert_int_equal(vault_remove(v, "b", NULL), 0);
	expect_token(v, "b", NULL);
	vault_undo(v);
	expect_token(v, "b", "first-token");
	assert_string_equal(vault_at(v, 1)->name, "b");

	assert_int_equal(vault_rename(v, "b", "z", NULL), 0);
	expect_token(v, "z", "first-token");
	expect_token(v, "b", NULL);
	assert_string_equal(vault_at(v, 2)->name, "z");
	vault_undo(v);
	expect_token(v, "b", "first-token");
	expect_token(v, "z", NULL);
	assert_int_equal(vault_count(v), 3);
	vault_free(v);
}

/* After a failed change, and after a write, there is nothing to take back. */
static void test_undo_ends(void **state)
{
	struct vault *v = fresh();
	struct entry e = made("no/good", "x");
	size_t used;

	(void)state;
	put(v, "zai", "first-token");
	assert_int_equal(vault_put(v, &e, NULL), -1);
	vault_undo(v);
	expect_token(v, "zai", "first-token");
	put(v, "other", "x");
	assert_int_equal(vault_remove(v, "none", NULL), -1);
	vault_undo(v);
	expect_token(v, "other", "x");
	assert_int_equal(vault_remove(v, "other", NULL), 0);
	used = arena_used(arena);
	vault_sealed(v);
	/* on disk: the removed token is wiped now, not at some later change */
	assert_true(arena_used(arena) < used);
	vault_undo(v);
	expect_token(v, "other", NULL);
	put(v, "other", "x");
	assert_int_equal(vault_slot_remove(v, 1, NULL), -1);
	vault_undo(v);
	expect_token(v, "other", "x");
	vault_free(v);
}

static void test_refused_entries(void **state)
{
	static char long_token[TOKEN_MAX + 2];
	struct vault *v = fresh();
	struct failure f = { 0 };
	struct entry e;

	(void)state;
	memset(long_token, 'x', TOKEN_MAX + 1);
	e = made("a b", "t");
	assert_int_equal(vault_put(v, &e, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	e = made("", "t");
	assert_int_equal(vault_put(v, &e, NULL), -1);
	e = made("a", "");
	assert_int_equal(vault_put(v, &e, NULL), -1);
	e = made("a", long_token);
	assert_int_equal(vault_put(v, &e, NULL), -1);
	e = made("a", "t");
	memset(e.name, 'n', sizeof(e.name));
	assert_int_equal(vault_put(v, &e, NULL), -1);
	e = made("a", "t");
	memset(e.origin, 'o', sizeof(e.origin));
	assert_int_equal(vault_put(v, &e, NULL), -1);
	e = made("a", "t");
	strcpy(e.origin, "x\ny");
	assert_int_equal(vault_put(v, &e, NULL), -1);
	e = made("a", "t");
	strcpy(e.policy, "\x1b[2J");
	assert_int_equal(vault_put(v, &e, NULL), -1);
	e = made("a", "t");
	strcpy(e.variable, "9X");
	assert_int_equal(vault_put(v, &e, NULL), -1);
	assert_int_equal(vault_count(v), 0);
	long_token[TOKEN_MAX] = '\0';
	put(v, "longest", long_token);
	e = made("free", "t");
	e.origin[0] = e.variable[0] = e.policy[0] = '\0';
	assert_int_equal(vault_put(v, &e, NULL), 0);
	v = again(v);
	expect_token(v, "longest", long_token);
	assert_string_equal(vault_find(v, "free")->variable, "");
	vault_free(v);
}

static void test_rename_remove_errors(void **state)
{
	struct vault *v = fresh();
	struct failure f = { 0 };

	(void)state;
	put(v, "a", "t");
	put(v, "b", "u");
	assert_int_equal(vault_rename(v, "none", "c", &f), -1);
	assert_int_equal(f.code, FAIL_NO_ENTRY);
	assert_int_equal(vault_rename(v, "a", "b", &f), -1);
	assert_int_equal(f.code, FAIL_EXISTS);
	assert_int_equal(vault_rename(v, "a", "../c", &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	assert_int_equal(vault_remove(v, "none", &f), -1);
	assert_int_equal(f.code, FAIL_NO_ENTRY);
	/* names that point into the list itself */
	assert_int_equal(vault_rename(v, vault_at(v, 0)->name, "z", NULL), 0);
	assert_int_equal(vault_remove(v, vault_at(v, 1)->name, NULL), 0);
	expect_token(v, "b", "u");
	assert_int_equal(vault_count(v), 1);
	vault_free(v);
}

static void test_slots(void **state)
{
	struct slot_info info = { .kind = SLOT_PASSPHRASE, .created = 5, .label = "typed" };
	struct vault *v = fresh(), *w;
	struct failure f = { 0 };
	uint8_t *file;
	size_t n;

	(void)state;
	setenv("CCRUN_KDF", "fast", 1);
	kdf_fresh(&info.kdf);
	assert_int_equal(vault_slot_remove(v, 1, &f), -1);
	assert_int_equal(f.code, FAIL_POLICY);
	assert_int_equal(vault_slot_add(v, &info, key_b, NULL), 0);
	assert_int_equal(info.id, 2);
	put(v, "zai", "token");
	v = again(v);
	assert_int_equal(vault_slots(v), 2);
	assert_string_equal(vault_slot(v, 1)->label, "typed");
	assert_memory_equal(vault_slot(v, 1)->kdf.salt, info.kdf.salt, SALT_LEN);
	assert_null(vault_slot(v, 2));
	assert_int_equal(vault_seal(v, &file, &n, NULL), 0);
	w = vault_open(arena, file, n, 2, key_b, &f);
	assert_non_null(w);
	expect_token(w, "zai", "token");
	vault_free(w);
	assert_null(vault_open(arena, file, n, 2, key_a, &f));
	assert_int_equal(f.code, FAIL_WRONG_KEY);
	assert_non_null(strstr(f.what, "passphrase"));
	assert_null(vault_open(arena, file, n, 1, key_b, &f));
	assert_int_equal(f.code, FAIL_WRONG_KEY);
	assert_null(vault_open(arena, file, n, 3, key_a, &f));
	assert_int_equal(f.code, FAIL_NO_ENTRY);
	free(file);
	assert_int_equal(vault_slot_remove(v, 9, &f), -1);
	assert_int_equal(f.code, FAIL_NO_ENTRY);
	assert_int_equal(vault_slot_remove(v, 2, NULL), 0);
	v = again(v);
	/* a number is not used again, not even over a write */
	assert_int_equal(vault_slot_add(v, &info, key_b, NULL), 0);
	assert_int_equal(info.id, 3);
	vault_free(v);
}

static void test_slot_undo(void **state)
{
	struct slot_info info = { .kind = SLOT_RECOVERY, .label = "" };
	struct vault *v = fresh();

	(void)state;
	assert_int_equal(vault_slot_add(v, &info, key_b, NULL), 0);
	vault_undo(v);
	assert_int_equal(vault_slots(v), 1);
	assert_int_equal(vault_slot_add(v, &info, key_b, NULL), 0);
	vault_sealed(v);
	assert_int_equal(vault_slot_remove(v, 1, NULL), 0);
	assert_int_equal(vault_slot(v, 0)->kind, SLOT_RECOVERY);
	vault_undo(v);
	assert_int_equal(vault_slots(v), 2);
	assert_int_equal(vault_slot(v, 0)->id, 1);
	assert_string_equal(vault_slot(v, 0)->label, "first");
	v = again(v);
	vault_free(v);
}

static void test_slot_limits(void **state)
{
	struct slot_info info = { .kind = SLOT_TPM2 };
	struct vault *v = fresh();
	struct failure f = { 0 };
	unsigned i;

	(void)state;
	memset(info.label, 'l', SLOT_LABEL_MAX);
	for (i = 1; i < VAULT_SLOTS_MAX; i++)
		assert_int_equal(vault_slot_add(v, &info, key_b, NULL), 0);
	assert_int_equal(vault_slot_add(v, &info, key_b, &f), -1);
	assert_int_equal(f.code, FAIL_EXISTS);
	v = again(v);
	assert_int_equal(vault_slots(v), VAULT_SLOTS_MAX);
	assert_int_equal(strlen(vault_slot(v, 63)->label), SLOT_LABEL_MAX);
	assert_int_equal(vault_slot_remove(v, 64, NULL), 0);
	info.label[SLOT_LABEL_MAX] = 'l';
	assert_int_equal(vault_slot_add(v, &info, key_b, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	strcpy(info.label, "b\xc3\xbcro");
	assert_int_equal(vault_slot_add(v, &info, key_b, &f), -1);
	info.label[0] = '\0';
	info.kind = (enum slot_kind)7;
	assert_int_equal(vault_slot_add(v, &info, key_b, &f), -1);
	info.kind = SLOT_PASSPHRASE;
	assert_int_equal(vault_slot_add(v, &info, key_b, &f), -1);
	assert_int_equal(f.code, FAIL_KDF_BOUNDS);
	vault_free(v);
}

static void test_kind_names(void **state)
{
	int k;

	(void)state;
	for (k = SLOT_PASSPHRASE; k <= SLOT_RECOVERY; k++)
		assert_int_equal(slot_kind_from_name(slot_kind_name((enum slot_kind)k)), k);
	assert_int_equal(slot_kind_from_name("none"), -1);
	assert_string_equal(slot_kind_name(SLOT_TPM2), "tpm2");
}

/* A hundred entries are small; the largest vault opens in the default arena. */
static void test_many(void **state)
{
	struct vault *v = fresh();
	struct failure f = { 0 };
	struct entry e;
	char name[16], token[64];
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "entry-%u", i * 37 % 100);
		snprintf(token, sizeof(token), "%048u", i);
		put(v, name, token);
	}
	assert_int_equal(vault_count(v), 100);
	assert_true(arena_used(arena) < 16 * 1024);
	v = again(v);
	for (i = 1; i < 100; i++)
		assert_true(strcmp(vault_at(v, i - 1)->name, vault_at(v, i)->name) < 0);
	for (i = 100; i < VAULT_ENTRIES_MAX; i++) {
		snprintf(name, sizeof(name), "entry-%u", i);
		put(v, name, "token-token-token");
	}
	e = made("one-more", "t");
	assert_int_equal(vault_put(v, &e, &f), -1);
	assert_int_equal(f.code, FAIL_TOO_LARGE);
	vault_undo(v);
	assert_int_equal(vault_count(v), VAULT_ENTRIES_MAX);
	put(v, "entry-500", "replacing is allowed");
	v = again(v);
	assert_int_equal(vault_count(v), VAULT_ENTRIES_MAX);
	vault_free(v);
}

/* Past the largest file: refused, undone, and what was there is intact. */
static void test_too_large(void **state)
{
	static char token[TOKEN_MAX + 1];
	struct failure f = { 0 };
	struct vault *v = fresh();
	uint8_t *file = NULL;
	char name[16];
	unsigned i;
	size_t n;

	(void)state;
	memset(token, 'x', TOKEN_MAX);
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "big-%02u", i);
		put(v, name, token);
		if (vault_seal(v, &file, &n, &f))
			break;
		assert_true(n <= VAULT_FILE_MAX);
		free(file);
		vault_sealed(v);
	}
	assert_int_equal(i, 31);
	assert_true(f.code == FAIL_TOO_LARGE || f.code == FAIL_NO_MEMORY);
	assert_null(file);
	vault_undo(v);
	assert_int_equal(vault_count(v), 31);
	assert_int_equal(vault_seal(v, &file, &n, &f), 0);
	vault_free(v);
	v = vault_open(arena, file, n, 1, key_a, &f);
	assert_non_null(v);
	free(file);
	vault_free(v);
}

/* Steps of 512: what two vaults with tokens of other lengths look like. */
static void test_padding(void **state)
{
	struct vault *v = fresh();
	uint8_t *file;
	size_t n, first;

	(void)state;
	put(v, "zai", "short");
	assert_int_equal(vault_seal(v, &file, &first, NULL), 0);
	free(file);
	put(v, "zai", "a token that is quite a bit longer than the other one was");
	assert_int_equal(vault_seal(v, &file, &n, NULL), 0);
	free(file);
	assert_int_equal(n, first);
	put(v, "other", "one");
	put(v, "third", "one");
	put(v, "fourth", "one");
	assert_int_equal(vault_seal(v, &file, &n, NULL), 0);
	free(file);
	assert_int_equal((n - first) % 512, 0);
	assert_true(n > first);
	vault_free(v);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_round_trip),	    T(test_replace),
		T(test_undo),		    T(test_undo_ends),
		T(test_refused_entries),    T(test_rename_remove_errors),
		T(test_slots),		    T(test_slot_undo),
		T(test_slot_limits),	    T(test_kind_names),
		T(test_many),		    T(test_too_large),
		T(test_padding),
	};

	if (secure_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
