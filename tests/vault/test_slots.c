/*
 * tests/vault/test_slots.c - the slots of an open vault: adding, removing,
 * replacing, what they keep in the open, another vault key, and undo.
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
#include "vault/inspect.h"
#include "vault/slots.h"
#include "vault/tokens.h"
#include "vault/undo.h"

static void test_slots(void **state)
{
	struct slot_info info = { .kind = SLOT_PASSPHRASE, .created = 5, .label = "typed" };
	struct vault *v = fresh(), *w;
	struct failure f = { 0 };
	uint8_t *file;
	size_t n;

	(void)state;
	info.kdf = cheap();
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
	vault_commit(v);
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
	assert_int_equal(f.code, FAIL_TOO_LARGE);
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

/* What a keyfile and a tpm2 slot keep in the open comes back byte for byte. */
static void test_material(void **state)
{
	struct slot_info host = { .kind = SLOT_KEYFILE, .label = "build-7", .material_len = 32 };
	struct slot_info chip = { .kind = SLOT_TPM2, .material_len = SLOT_MATERIAL_MAX };
	struct vault *v = fresh(), *w;
	struct vault_public *public = malloc(sizeof(*public));
	uint8_t *file;
	size_t n;

	(void)state;
	memset(host.material, 'h', host.material_len);
	random_fill(chip.material, chip.material_len);
	assert_int_equal(vault_slot_add(v, &host, key_b, NULL), 0);
	assert_int_equal(vault_slot_add(v, &chip, key_b, NULL), 0);
	n = sealed(v, &file);
	assert_int_equal(vault_inspect(file, n, public, NULL), 0);
	assert_int_equal(public->slots, 3);
	assert_int_equal(public->slot[0].material_len, 0);
	assert_int_equal(public->slot[1].material_len, 32);
	assert_int_equal(public->slot[2].material_len, SLOT_MATERIAL_MAX);
	assert_memory_equal(public->slot[1].material, host.material, 32);
	assert_memory_equal(public->slot[2].material, chip.material, SLOT_MATERIAL_MAX);
	w = opens(file, n, 3, key_b);
	assert_memory_equal(vault_slot(w, 2)->material, chip.material, SLOT_MATERIAL_MAX);
	vault_free(w);
	vault_free(v);
	free(file);
	free(public);
}

static void test_material_limits(void **state)
{
	static const enum slot_kind without[] = { SLOT_PASSPHRASE, SLOT_KEYRING, SLOT_CREDENTIAL,
						  SLOT_RECOVERY };
	struct slot_info info = { .kind = SLOT_TPM2, .material_len = SLOT_MATERIAL_MAX + 1 };
	struct vault *v = fresh();
	struct failure f = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(vault_slot_add(v, &info, key_b, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	info.material_len = SIZE_MAX;
	assert_int_equal(vault_slot_add(v, &info, key_b, NULL), -1);
	info.kdf = cheap();
	info.material_len = 1;
	for (i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		info.kind = without[i];
		f.code = FAIL_NONE;
		assert_int_equal(vault_slot_add(v, &info, key_b, &f), -1);
		assert_int_equal(f.code, FAIL_BAD_VALUE);
		assert_int_equal(vault_slot_replace(v, 1, &info, key_b, NULL), -1);
	}
	assert_int_equal(vault_slots(v), 1);
	/* a number was not used up either */
	assert_int_equal(vault_next_slot(v), 2);
	v = again(v);
	vault_free(v);
}

/* The largest slots, all of them: they fit, and come back. */
static void test_largest_slots(void **state)
{
	struct slot_info info = { .kind = SLOT_TPM2, .material_len = SLOT_MATERIAL_MAX };
	struct vault *v = fresh();
	unsigned i;

	(void)state;
	memset(info.label, 'l', SLOT_LABEL_MAX);
	for (i = 1; i < VAULT_SLOTS_MAX; i++) {
		memset(info.material, (int)i, SLOT_MATERIAL_MAX);
		assert_int_equal(vault_slot_add(v, &info, key_b, NULL), 0);
	}
	put(v, "zai", "token");
	v = again(v);
	for (i = 1; i < VAULT_SLOTS_MAX; i++) {
		assert_int_equal(vault_slot(v, i)->material_len, SLOT_MATERIAL_MAX);
		assert_int_equal(vault_slot(v, i)->material[SLOT_MATERIAL_MAX - 1], i);
	}
	vault_free(v);
}

static void test_material_undo(void **state)
{
	struct slot_info info = { .kind = SLOT_TPM2, .material = "blob", .material_len = 4 };
	struct vault *v = fresh();

	(void)state;
	assert_int_equal(vault_slot_add(v, &info, key_b, NULL), 0);
	vault_commit(v);
	assert_int_equal(vault_slot_remove(v, info.id, NULL), 0);
	vault_undo(v);
	assert_int_equal(vault_slot(v, 1)->material_len, 4);
	assert_memory_equal(vault_slot(v, 1)->material, "blob", 4);
	memcpy(info.material, "BLOB", 4);
	assert_int_equal(vault_slot_replace(v, 2, &info, key_b, NULL), 0);
	assert_memory_equal(vault_slot(v, 1)->material, "BLOB", 4);
	vault_undo(v);
	assert_memory_equal(vault_slot(v, 1)->material, "blob", 4);
	v = again(v);
	assert_memory_equal(vault_slot(v, 1)->material, "blob", 4);
	vault_free(v);
}

static void test_replace_slot(void **state)
{
	struct slot_info info = { .kind = SLOT_RECOVERY, .label = "second" };
	struct slot_info next = { .kind = SLOT_CREDENTIAL, .label = "third", .created = 7 };
	struct vault *v = fresh();
	struct failure f = { 0 };
	uint8_t *file;
	size_t n;

	(void)state;
	put(v, "zai", "token");
	vault_commit(v);
	assert_int_equal(vault_slot_add(v, &info, key_b, NULL), 0);
	vault_commit(v);
	assert_int_equal(vault_slot_replace(v, 9, &next, key_b, &f), -1);
	assert_int_equal(f.code, FAIL_NO_ENTRY);
	/* in its place, with another number; even the only one can be replaced */
	assert_int_equal(vault_slot_replace(v, 1, &next, key_b, NULL), 0);
	assert_int_equal(next.id, 3);
	assert_int_equal(vault_slots(v), 2);
	assert_int_equal(vault_slot(v, 0)->id, 3);
	assert_int_equal(vault_slot(v, 0)->kind, SLOT_CREDENTIAL);
	assert_string_equal(vault_slot(v, 1)->label, "second");
	n = sealed(v, &file);
	opens_not(file, n, 1, key_a, FAIL_NO_ENTRY);
	opens_not(file, n, 3, key_a, FAIL_WRONG_KEY);
	vault_free(v);
	v = opens(file, n, 3, key_b);
	expect_token(v, "zai", "token");
	free(file);
	/* taken back: the old slot opens what is written next */
	assert_int_equal(vault_slot_replace(v, 3, &info, key_a, NULL), 0);
	vault_undo(v);
	/* nor was a number used up, which the file would not know of */
	assert_int_equal(vault_next_slot(v), 4);
	n = sealed(v, &file);
	vault_free(v);
	vault_free(opens(file, n, 3, key_b));
	free(file);
}

/* A change that failed leaves nothing to take back, whatever was before it. */
static void test_failed_change_ends_undo(void **state)
{
	struct slot_info bad = { .kind = (enum slot_kind)9 };
	struct slot_key keep = { 9, key_a };
	struct vault *v = fresh();

	(void)state;
	put(v, "a", "t");
	assert_int_equal(vault_slot_add(v, &bad, key_b, NULL), -1);
	vault_undo(v);
	expect_token(v, "a", "t");
	put(v, "b", "t");
	assert_int_equal(vault_slot_replace(v, 1, &bad, key_b, NULL), -1);
	vault_undo(v);
	expect_token(v, "b", "t");
	put(v, "c", "t");
	assert_int_equal(vault_rekey(v, &keep, 1, NULL), -1);
	vault_undo(v);
	expect_token(v, "c", "t");
	vault_free(v);
}

/* ---- another vault key ---- */

static uint8_t key_c[KEY_LEN] = { 7, 8, 9 };

/* Slots 1 (key_a), 2 (key_b, with material), 3 (key_c), one entry, written. */
static struct vault *three(void)
{
	struct slot_info host = { .kind = SLOT_KEYFILE, .material = "host", .material_len = 4 };
	struct slot_info paper = { .kind = SLOT_RECOVERY, .label = "paper" };
	struct vault *v = fresh();

	assert_int_equal(vault_slot_add(v, &host, key_b, NULL), 0);
	assert_int_equal(vault_slot_add(v, &paper, key_c, NULL), 0);
	put(v, "zai", "token");
	vault_commit(v);
	return v;
}

/*
 * Whoever has an old file and a slot's key has the vault key of that time: it
 * does not open the new file.  Both have one generation number here, so that it
 * is the key that decides.
 */
static void expect_old_key_dead(const uint8_t *old, size_t n, const uint8_t *new, size_t m)
{
	struct vault *v = opens(old, n, 1, key_a);
	struct failure f = { 0 };

	/* waking decrypts a file with the key that is at hand */
	vault_token_sleep(v, "zai");
	assert_int_equal(vault_tokens_wake(v, new, m, &f), -1);
	assert_int_equal(f.code, FAIL_DAMAGED);
	vault_free(v);
}

static void test_rekey(void **state)
{
	struct vault *v = three(), *w;
	struct slot_key keep[2] = { { 3, key_c }, { 1, key_a } };
	uint8_t *old, *file;
	size_t n, m;

	(void)state;
	m = sealed(v, &old);
	assert_int_equal(vault_generation(v), 2);
	assert_int_equal(vault_rekey(v, keep, 2, NULL), 0);
	n = sealed(v, &file);
	assert_int_equal(vault_slots(v), 2);
	assert_int_equal(vault_slot(v, 0)->id, 1);
	assert_int_equal(vault_slot(v, 1)->id, 3);
	assert_string_equal(vault_slot(v, 1)->label, "paper");
	assert_int_equal(vault_next_slot(v), 4);
	vault_free(v);
	opens_not(file, n, 2, key_b, FAIL_NO_ENTRY);
	opens_not(file, n, 1, key_b, FAIL_WRONG_KEY);
	w = opens(file, n, 1, key_a);
	expect_token(w, "zai", "token");
	vault_free(w);
	vault_free(opens(file, n, 3, key_c));
	/* the old file is as it was */
	vault_free(opens(old, m, 2, key_b));
	free(file);
	free(old);
}

static void test_rekey_changes_the_key(void **state)
{
	struct vault *v = three();
	struct slot_key keep[3] = { { 1, key_a }, { 2, key_b }, { 3, key_c } };
	uint8_t *old, *file;
	size_t n, m;

	(void)state;
	assert_int_equal(vault_seal(v, &old, &m, NULL), 0);
	assert_int_equal(vault_rekey(v, keep, 3, NULL), 0);
	n = sealed(v, &file);
	vault_free(v);
	expect_old_key_dead(old, m, file, n);
	v = opens(file, n, 2, key_b);
	assert_int_equal(vault_slot(v, 1)->material_len, 4);
	assert_memory_equal(vault_slot(v, 1)->material, "host", 4);
	vault_free(v);
	free(old);
	free(file);
}

/* Not on disk: slots and key are what they were, and the new key is gone. */
static void test_rekey_undo(void **state)
{
	struct vault *v = three();
	struct slot_key keep = { 2, key_b };
	size_t used = arena_used(arena), n;
	uint8_t *file;

	(void)state;
	assert_int_equal(vault_rekey(v, &keep, 1, NULL), 0);
	assert_int_equal(vault_slots(v), 1);
	assert_true(arena_used(arena) > used);
	vault_undo(v);
	assert_int_equal(arena_used(arena), used);
	assert_int_equal(vault_slots(v), 3);
	n = sealed(v, &file);
	vault_free(v);
	vault_free(opens(file, n, 1, key_a));
	vault_free(opens(file, n, 2, key_b));
	v = opens(file, n, 3, key_c);
	assert_memory_equal(vault_slot(v, 1)->material, "host", 4);
	expect_token(v, "zai", "token");
	/* on disk: the old key is wiped at once */
	used = arena_used(arena);
	assert_int_equal(vault_rekey(v, &keep, 1, NULL), 0);
	vault_commit(v);
	assert_int_equal(arena_used(arena), used);
	vault_free(v);
	free(file);
}

static void test_rekey_errors(void **state)
{
	struct slot_key twice[2] = { { 1, key_a }, { 1, key_a } };
	struct slot_key unknown[2] = { { 1, key_a }, { 8, key_b } };
	struct slot_key many[4] = { { 1, key_a }, { 2, key_b }, { 3, key_c }, { 1, key_a } };
	struct vault *v = three();
	struct failure f = { 0 };
	uint8_t *file;
	size_t n;

	(void)state;
	assert_int_equal(vault_rekey(v, NULL, 0, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	assert_int_equal(vault_rekey(v, twice, 2, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	assert_int_equal(vault_rekey(v, many, 4, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	assert_int_equal(vault_rekey(v, unknown, 2, &f), -1);
	assert_int_equal(f.code, FAIL_NO_ENTRY);
	assert_int_equal(vault_slots(v), 3);
	/* a slot whose key was given wrong opens with that: the caller has checked */
	n = sealed(v, &file);
	vault_free(v);
	vault_free(opens(file, n, 2, key_b));
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_slots),	       T(test_slot_undo),
		T(test_slot_limits),   T(test_kind_names),
		T(test_material),      T(test_material_limits),
		T(test_largest_slots), T(test_material_undo),
		T(test_replace_slot),  T(test_failed_change_ends_undo),
		T(test_rekey),	       T(test_rekey_changes_the_key),
		T(test_rekey_undo),    T(test_rekey_errors),
	};

	if (libsodium_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
