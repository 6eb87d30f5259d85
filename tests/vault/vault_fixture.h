/*
 * tests/vault/vault_fixture.h - an arena, a vault in it and entries, for the
 * tests of vault/.  Included behind cmocka.h; each test has an arena of its own.
 */
#ifndef TESTS_UNIT_VAULT_FIXTURE_H
#define TESTS_UNIT_VAULT_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "vault/arena.h"
#include "vault/entries.h"
#include "vault/entry.h"
#include "vault/kdf.h"
#include "vault/slot.h"
#include "vault/vault.h"

static struct arena *arena;
static void *arena_first; /* a place in its first page */
static uint8_t key_a[KEY_LEN] = { 1, 2, 3 };
static uint8_t key_b[KEY_LEN] __attribute__((unused)) = { 4, 5, 6 };

/* The cheapest passphrase slot that a vault may have. */
static inline struct kdf_params cheap(void)
{
	struct kdf_params p;

	kdf_fresh(&p);
	p.ops = KDF_OPS_MIN;
	p.mem = KDF_MEM_MIN;
	return p;
}

static inline struct vault *fresh(void)
{
	struct slot_info info = { .kind = SLOT_KEYRING, .created = 100, .label = "first" };
	struct vault *v = vault_create(arena, &info, key_a, NULL);

	assert_non_null(v);
	assert_int_equal(info.id, 1);
	return v;
}

static inline struct entry made(const char *name, const char *token)
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

static inline void put(struct vault *v, const char *name, const char *token)
{
	struct entry e = made(name, token);
	struct failure f = { 0 };

	if (vault_put(v, &e, &f))
		fail_msg("%s", f.what);
}

static inline void expect_token(const struct vault *v, const char *name, const char *token)
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
static inline struct vault *again(struct vault *v)
{
	struct failure f = { 0 };
	struct vault *w;
	uint8_t *file;
	size_t n;

	assert_int_equal(vault_seal(v, &file, &n, &f), 0);
	vault_commit(v);
	w = vault_open(arena, file, n, 1, key_a, &f);
	if (!w)
		fail_msg("%s", f.what);
	assert_int_equal(vault_generation(v), vault_generation(w));
	assert_memory_equal(vault_id(v), vault_id(w), VAULT_ID_LEN);
	free(file);
	vault_free(v);
	return w;
}

static inline int setup(void **state)
{
	(void)state;
	arena = arena_new(ARENA_DEFAULT, NULL);
	if (!arena)
		return -1;
	arena_first = arena_alloc(arena, 1, NULL);
	arena_release(arena, arena_first);
	return 0;
}

/* Whatever a test did, nothing stays in the arena. */
static inline int teardown(void **state)
{
	size_t left = arena_used(arena);

	(void)state;
	arena_free(arena);
	return left == 0 ? 0 : -1;
}

/* Does the locked memory hold these bytes anywhere? */
static inline bool arena_holds(const void *p, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	size_t size = arena_size(arena);

	return memmem((const void *)(((uintptr_t)arena_first) / page * page), size, p, n) != NULL;
}

/* The file that v writes next, noted as written. */
static inline size_t sealed(struct vault *v, uint8_t **file)
{
	struct failure f = { 0 };
	size_t n;

	if (vault_seal(v, file, &n, &f))
		fail_msg("%s", f.what);
	vault_commit(v);
	return n;
}

/* The file opens with this slot and key; the vault. */
static inline struct vault *opens(const uint8_t *file, size_t n, uint32_t slot, const uint8_t *key)
{
	struct failure f = { 0 };
	struct vault *v = vault_open(arena, file, n, slot, key, &f);

	if (!v)
		fail_msg("%s", f.what);
	return v;
}

static inline void opens_not(const uint8_t *file, size_t n, uint32_t slot, const uint8_t *key,
			     enum fail_code code)
{
	struct failure f = { 0 };

	assert_null(vault_open(arena, file, n, slot, key, &f));
	assert_int_equal(f.code, code);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
