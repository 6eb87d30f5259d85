/*
 * vault/vault.c - creating, opening and sealing a vault.  The vault key and every
 * plaintext are in the arena.
 */
#include "vault/vault.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/fail.h"
#include "vault/arena.h"
#include "vault/bytes.h"
#include "vault/crypto.h"
#include "vault/entry.h"
#include "vault/entry_list.h"
#include "vault/errors.h"
#include "vault/layout.h"
#include "vault/lock_settings.h"
#include "vault/serial.h"
#include "vault/slot_wrap.h"
#include "vault/slots.h"
#include "vault/tokens.h"
#include "vault/undo.h"
#include "vault/vault_private.h"

/* A forged generation must leave the vault room for higher numbers of its own. */
#define GENERATION_FOLLOWED (UINT64_MAX / 2)

_Static_assert(KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(NONCE_LEN == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(MAC_LEN == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");

/* An empty vault with room for its key in the arena. */
static struct vault *vault_blank(struct arena *a, struct failure *f)
{
	struct vault *v = calloc(1, sizeof(*v));

	if (!v) {
		vault_fail_no_memory(f);
		return NULL;
	}
	v->arena = a;
	v->lock_settings = lock_settings_default;
	v->key = arena_alloc(a, KEY_LEN, f);
	if (!v->key) {
		free(v);
		return NULL;
	}
	return v;
}

void vault_free(struct vault *v)
{
	if (!v)
		return;
	undo_drop(v);
	entry_list_free(v);
	arena_release(v->arena, v->key);
	sodium_memzero(v, sizeof(*v));
	free(v);
}

struct vault *vault_create(struct arena *a, struct slot_info *info, const uint8_t key[KEY_LEN],
			   struct failure *f)
{
	struct vault *v = vault_blank(a, f);

	if (!v)
		return NULL;
	random_fill(v->key, KEY_LEN);
	random_fill(v->id, VAULT_ID_LEN);
	v->next_slot = 1;
	if (vault_slot_add(v, info, key, f)) {
		vault_free(v);
		return NULL;
	}
	undo_drop(v);
	return v;
}

/* Decrypt the box into the arena, and read it. */
static int vault_open_box(struct vault *v, const uint8_t *file, const struct vault_layout *l,
			  struct failure *f)
{
	size_t n = l->box_len - MAC_LEN;
	uint8_t *plain = arena_alloc(v->arena, n, f);
	int r = -1;

	if (!plain)
		return -1;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, file + l->box_at,
						       l->box_len, file, l->nonce_at + NONCE_LEN,
						       file + l->nonce_at, v->key) != 0)
		fail_set(f, FAIL_DAMAGED, NULL,
			 "cannot read the vault: it is damaged: the contents do not belong to "
			 "this header and key");
	else
		r = serial_read(v, l->version, plain, n, f);
	arena_release(v->arena, plain);
	return r;
}

static int vault_fail_no_slot(uint32_t slot, struct failure *f)
{
	return fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows them",
			"cannot open the vault: it has no slot %" PRIu32, slot);
}

struct vault *vault_open(struct arena *a, const uint8_t *file, size_t n, uint32_t slot,
			 const uint8_t key[KEY_LEN], struct failure *f)
{
	/* Static: too large for the stack, and no caller has threads. */
	static struct vault_layout l;
	struct vault *v = NULL;
	unsigned i;

	if (layout_parse(file, n, &l, f))
		return NULL;
	for (i = 0; i < l.slots && l.slot[i].info.id != slot; i++)
		;
	if (i == l.slots) {
		vault_fail_no_slot(slot, f);
		return NULL;
	}
	v = vault_blank(a, f);
	if (!v)
		return NULL;
	v->generation = l.generation;
	v->version = l.version;
	memcpy(v->id, l.id, VAULT_ID_LEN);
	v->slots = l.slots;
	memcpy(v->slot, l.slot, sizeof(v->slot));
	if (slot_unwrap(v, &v->slot[i], key, f) || vault_open_box(v, file, &l, f)) {
		vault_free(v);
		return NULL;
	}
	return v;
}

int vault_check_key(const struct vault *v, uint32_t slot, const uint8_t key[KEY_LEN],
		    struct failure *f)
{
	struct vault *scratch;
	unsigned i;
	int r;

	for (i = 0; i < v->slots && v->slot[i].info.id != slot; i++)
		;
	if (i == v->slots)
		return vault_fail_no_slot(slot, f);
	scratch = vault_blank(v->arena, f);
	if (!scratch)
		return -1;
	memcpy(scratch->id, v->id, VAULT_ID_LEN);
	r = slot_unwrap(scratch, &v->slot[i], key, f);
	vault_free(scratch);
	return r;
}

/* Write everything before the box's nonce.  Returns its end. */
static uint8_t *vault_write_head(const struct vault *v, uint8_t *p, size_t total)
{
	unsigned i;

	p = bytes_put(p, VAULT_MAGIC, MAGIC_LEN);
	p = bytes_put_le(p, serial_version(v), 2);
	p = bytes_put_le(p, 0, 2);
	p = bytes_put_le(p, total, 8);
	p = bytes_put_le(p, v->generation + 1, 8);
	p = bytes_put(p, v->id, VAULT_ID_LEN);
	p = bytes_put_le(p, v->slots, 2);
	for (i = 0; i < v->slots; i++)
		p = slot_write(p, &v->slot[i]);
	return p;
}

int vault_seal(struct vault *v, uint8_t **out, size_t *n, struct failure *f)
{
	size_t head = HEAD_LEN, plain_len = serial_size(v), total;
	uint8_t *file = NULL, *plain = NULL, *p;
	unsigned i;
	int r = -1;

	*out = NULL;
	*n = 0;
	if (!v->key || vault_tokens_asleep(v))
		return fail_set(f, FAIL_LOCKED, "ccctl unlock",
				"cannot write the vault: it is locked");
	if (v->generation == UINT64_MAX)
		return fail_set(
			f, FAIL_TOO_LARGE, NULL,
			"cannot write the vault: there is no number for another generation");
	for (i = 0; i < v->slots; i++)
		head += slot_size(&v->slot[i]);
	total = head + NONCE_LEN + 8 + plain_len + MAC_LEN + SUM_LEN;
	if (total > VAULT_FILE_MAX)
		return fail_set(f, FAIL_TOO_LARGE, "remove entries that are not needed",
				"cannot write the vault: it would have %zu KiB, %d are allowed",
				total / 1024, VAULT_FILE_MAX / 1024);
	plain = arena_alloc(v->arena, plain_len, f);
	if (!plain)
		return -1;
	file = malloc(total);
	if (!file) {
		vault_fail_no_memory(f);
		goto out;
	}
	serial_write(v, plain);
	p = vault_write_head(v, file, total);
	random_fill(p, NONCE_LEN);
	p = bytes_put_le(p + NONCE_LEN, plain_len + MAC_LEN, 8);
	crypto_aead_xchacha20poly1305_ietf_encrypt(p, NULL, plain, plain_len, file,
						   head + NONCE_LEN, NULL, file + head, v->key);
	p += plain_len + MAC_LEN;
	blake2b_256(p, file, total - SUM_LEN, NULL, 0);
	*out = file;
	*n = total;
	r = 0;
out:
	arena_release(v->arena, plain);
	return r;
}

void vault_commit(struct vault *v)
{
	v->generation++;
	undo_drop(v);
}

uint64_t vault_generation(const struct vault *v)
{
	return v->generation;
}

bool vault_had_checkpoint(const struct vault *v)
{
	/* Checkpoints are older than this version. */
	return v->version >= VAULT_VERSION_DURABLE;
}

const uint8_t *vault_id(const struct vault *v)
{
	return v->id;
}

void vault_derive_key(const struct vault *v, const char *purpose, uint8_t out[KEY_LEN])
{
	blake2b_256_keyed(out, v->key, purpose, strlen(purpose) + 1);
}

void vault_raise_generation(struct vault *v, uint64_t g)
{
	if (v->generation < g && g <= GENERATION_FOLLOWED)
		v->generation = g;
}

struct vault *vault_narrow(struct vault *v, bool (*keep)(const struct entry *e))
{
	if (!v)
		return NULL;
	undo_drop(v);
	entry_list_filter(v, keep);
	if (v->count == 0) {
		vault_free(v);
		return NULL;
	}
	if (v->key)
		blake2b_256(v->key_hash, v->key, KEY_LEN, NULL, 0);
	arena_release(v->arena, v->key);
	v->key = NULL;
	return v;
}

int vault_tokens_wake(struct vault *v, const uint8_t *file, size_t n, struct failure *f)
{
	static struct vault_layout l;
	struct vault *from;
	int r = -1;

	if (vault_tokens_asleep(v) == 0)
		return 0;
	if (!v->key)
		return fail_set(f, FAIL_LOCKED, "ccctl unlock",
				"cannot read the vault: it is locked");
	if (layout_parse(file, n, &l, f))
		return -1;
	/* A file of another generation opens with the same key, but has other tokens. */
	if (l.generation != v->generation || memcmp(l.id, v->id, VAULT_ID_LEN) != 0)
		return fail_set(f, FAIL_CHANGED, "ccctl lock, then ccctl unlock",
				"the vault's file is not the one that was opened");
	from = vault_blank(v->arena, f);
	if (!from)
		return -1;
	from->slots = l.slots;
	memcpy(from->slot, l.slot, sizeof(from->slot));
	memcpy(from->key, v->key, KEY_LEN);
	if (vault_open_box(from, file, &l, f) == 0)
		r = tokens_copy_sleeping(v, from, f);
	vault_free(from);
	return r;
}

int vault_backup(struct vault *v, struct slot_info *info, const uint8_t key[KEY_LEN], uint8_t **out,
		 size_t *n, struct failure *f)
{
	struct vault *copy;
	int r;

	*out = NULL;
	*n = 0;
	/* A narrowed vault has lost entries. */
	if (!v->key)
		return fail_set(f, FAIL_LOCKED, "ccctl unlock",
				"cannot back up the vault: it is locked");
	copy = vault_create(v->arena, info, key, f);
	if (!copy)
		return -1;
	/* The copy borrows v's entries while it is sealed: no token is copied. */
	copy->lock_settings = v->lock_settings;
	copy->entry = v->entry;
	copy->count = v->count;
	r = vault_seal(copy, out, n, f);
	copy->entry = NULL;
	copy->count = copy->room = 0;
	vault_free(copy);
	return r;
}
