/*
 * tests/fuzz/fuzz_vault.c - the bytes of a vault and of a keyfile.
 *
 * The first byte says which: f a vault's file, k a keyfile, p the plaintext inside the box,
 * whose version is the second byte.  Lengths, checksums and padding are set right first: an
 * attacker can do that, and no fuzzer finds a checksum.  What is checked besides memory: all
 * parts lie inside the file, what anyone learns of it is what the layout says, and a plaintext
 * that was read is written and read again the same.
 *
 * Targets: vault/layout.c vault/serial.c vault/inspect.c vault/keyfile.c vault/slot_format.c
 *	vault/tagged_fields.c vault/images.c
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/fail.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_arena.h"
#include "vault/arena.h"
#include "vault/bytes.h"
#include "vault/crypto.h"
#include "vault/entry.h"
#include "vault/format.h"
#include "vault/inspect.h"
#include "vault/keyfile.h"
#include "vault/layout.h"
#include "vault/serial.h"
#include "vault/vault.h"
#include "vault/vault_private.h"

#define INPUT_MAX 65536 /* bytes */

static void check_layout(const struct vault_layout *l, size_t n)
{
	unsigned i, k;

	MUST(l->slots > 0 && l->slots <= VAULT_SLOTS_MAX);
	MUST(l->nonce_at + NONCE_LEN + 8 == l->box_at);
	MUST(l->box_at + l->box_len + SUM_LEN == n && l->box_len >= MAC_LEN + PAD_STEP);
	for (i = 0; i < l->slots; i++)
		for (k = 0; k < i; k++)
			MUST(l->slot[i].info.id != l->slot[k].info.id);
}

static void read_file(uint8_t *file, size_t n)
{
	struct vault_layout layout;
	struct vault_public public;
	struct failure f = { 0 };

	if (n >= TOTAL_AT + 8 + SUM_LEN) {
		memcpy(file, VAULT_MAGIC, MAGIC_LEN);
		bytes_put_le(file + TOTAL_AT, n, 8);
		blake2b_256(file + n - SUM_LEN, file, n - SUM_LEN, NULL, 0);
	}
	if (layout_parse(file, n, &layout, &f) != 0) {
		MUST(f.code == FAIL_DAMAGED || f.code == FAIL_TRUNCATED || f.code == FAIL_NEWER ||
		     f.code == FAIL_TOO_LARGE || f.code == FAIL_KDF_BOUNDS);
		MUST(vault_inspect(file, n, &public, NULL) != 0);
		return;
	}
	fuzz_understood++;
	check_layout(&layout, n);
	MUST(vault_inspect(file, n, &public, NULL) == 0);
	MUST(public.slots == layout.slots && public.generation == layout.generation);
}

static void read_keyfile(uint8_t *file, size_t n)
{
	static const uint8_t secret[HOST_SEED_LEN] = { 1 };
	struct keyfile_info info;
	struct failure f = { 0 };
	uint8_t key[KEY_LEN];

	if (n >= MAGIC_LEN + 2 + SUM_LEN)
		blake2b_256(file + n - SUM_LEN, file, n - SUM_LEN, NULL, 0);
	if (keyfile_inspect(file, n, &info, &f) != 0) {
		MUST(f.code == FAIL_DAMAGED || f.code == FAIL_TRUNCATED || f.code == FAIL_NEWER);
		return;
	}
	fuzz_understood++;
	MUST(n == KEYFILE_LEN);
	/* It was sealed to nobody: no key comes out. */
	MUST(keyfile_open(file, n, info.host, secret, key, &f) != 0 && f.code == FAIL_WRONG_KEY);
	MUST(sodium_is_zero(key, sizeof(key)));
}

static struct vault *empty_vault(void)
{
	struct vault *v = calloc(1, sizeof(*v));

	MUST(v);
	v->arena = fuzz_arena;
	return v;
}

/* In memory of exactly its size, as libFuzzer's own is. */
static struct vault *read_plain(unsigned version, const uint8_t *plain, size_t n)
{
	struct vault *v = empty_vault();
	struct failure f = { 0 };

	if (serial_read(v, version, plain, n, &f) == 0)
		return v;
	MUST(f.code == FAIL_DAMAGED || f.code == FAIL_NEWER || f.code == FAIL_NO_MEMORY);
	vault_free(v);
	return NULL;
}

static void read_plaintext(unsigned version, const uint8_t *p, size_t n)
{
	size_t padded = (n + PAD_STEP - 1) / PAD_STEP * PAD_STEP, size;
	uint8_t *plain = calloc(1, padded + 1), *again;
	struct vault *v, *second;
	unsigned i;

	MUST(plain);
	memcpy(plain, p, n);
	v = read_plain(version, plain, padded);
	free(plain);
	if (!v)
		return;
	fuzz_understood++;
	for (i = 0; i < v->count; i++)
		MUST(!entry_wrong(v->entry[i]));
	/* Written as the lowest version that can hold it, and the same once more. */
	size = serial_size(v);
	again = arena_alloc(fuzz_arena, size, NULL);
	if (again) {
		memset(again, 0, size);
		serial_write(v, again);
		second = read_plain(serial_version(v), again, size);
		MUST(second && second->count == v->count && second->images == v->images);
		MUST(serial_size(second) == size && second->next_slot == v->next_slot);
		vault_free(second);
		arena_release(fuzz_arena, again);
	}
	vault_free(v);
	MUST(arena_used(fuzz_arena) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t *copy;

	fuzz_inputs++;
	if (n < 2 || n > INPUT_MAX)
		return 0;
	copy = malloc(n - 1);
	MUST(copy);
	memcpy(copy, p + 1, n - 1);
	fuzz_arena_make();
	if (p[0] == 'f')
		read_file(copy, n - 1);
	else if (p[0] == 'k')
		read_keyfile(copy, n - 1);
	else if (p[0] == 'p')
		read_plaintext(VAULT_VERSION_FIRST + copy[0] % VAULT_VERSION, copy + 1, n - 2);
	free(copy);
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(sodium_init() >= 0);
	return atexit(fuzz_at_exit);
}
