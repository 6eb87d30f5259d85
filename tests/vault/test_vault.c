/*
 * tests/vault/test_vault.c - the open vault: entries, undo, sealing and opening
 * again, memory given back.
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

#include "tests/vault/vault_fixture.h"
#include "vault/crypto.h"
#include "vault/slots.h"
#include "vault/undo.h"

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
	vault_commit(v);
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
		vault_commit(v);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_round_trip), T(test_replace),	     T(test_undo),
		T(test_undo_ends),  T(test_refused_entries), T(test_rename_remove_errors),
		T(test_many),	    T(test_too_large),	     T(test_padding),
	};

	if (libsodium_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
