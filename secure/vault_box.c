/*
 * secure/vault_box.c - the open vault: creating, opening, sealing, and the
 * slots that wrap its key.  The key and every plaintext live in the arena.
 */
#include "secure/vault_private.h"

#include <inttypes.h>
#include <stdlib.h>

#include <sodium.h>

#include "base/fail.h"
#include "secure/arena.h"

_Static_assert(KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(NONCE_LEN == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(MAC_LEN == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");

/* The largest slot, and what authenticates its wrapped key. */
#define SLOT_MAX (SLOT_HEAD_LEN + SLOT_LABEL_MAX + KDF_LEN + NONCE_LEN + WRAPPED_LEN)

static int no_memory(struct failure *f)
{
	return fail_set(f, FAIL_NO_MEMORY, NULL, "cannot hold the vault: out of memory");
}

/* The vault's id, then the slot's own bytes up to its nonce.  Returns the length. */
static size_t slot_ad(const uint8_t id[VAULT_ID_LEN], const struct slot *s,
		      uint8_t out[VAULT_ID_LEN + SLOT_MAX])
{
	uint8_t *end;

	memcpy(out, id, VAULT_ID_LEN);
	end = slot_write(out + VAULT_ID_LEN, s);
	return (size_t)(end - out) - NONCE_LEN - WRAPPED_LEN;
}

/* Wrap the vault key in s, whose info is complete, under the slot's key. */
static void slot_wrap(const struct vault *v, struct slot *s, const uint8_t key[KEY_LEN])
{
	uint8_t ad[VAULT_ID_LEN + SLOT_MAX];
	size_t n;

	secure_random(s->nonce, NONCE_LEN);
	n = slot_ad(v->id, s, ad);
	crypto_aead_xchacha20poly1305_ietf_encrypt(s->wrapped, NULL, v->key, KEY_LEN, ad, n,
						   NULL, s->nonce, key);
}

static int slot_unwrap(struct vault *v, const struct slot *s, const uint8_t key[KEY_LEN],
		       struct failure *f)
{
	uint8_t ad[VAULT_ID_LEN + SLOT_MAX];
	size_t n = slot_ad(v->id, s, ad);

	if (crypto_aead_xchacha20poly1305_ietf_decrypt(v->key, NULL, NULL, s->wrapped,
						       WRAPPED_LEN, ad, n, s->nonce, key) == 0)
		return 0;
	return fail_set(f, FAIL_WRONG_KEY, NULL, "cannot open the vault: wrong %s for slot %" PRIu32,
			s->info.kind == SLOT_PASSPHRASE ? "passphrase" : "key", s->info.id);
}

/* An empty vault with a place for its key. */
static struct vault *vault_blank(struct arena *a, struct failure *f)
{
	struct vault *v = calloc(1, sizeof(*v));

	if (!v) {
		no_memory(f);
		return NULL;
	}
	v->arena = a;
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
	entries_free(v);
	arena_release(v->arena, v->key);
	sodium_memzero(v, sizeof(*v));
	free(v);
}

struct vault *vault_create(struct arena *a, struct slot_info *info,
			   const uint8_t key[KEY_LEN], struct failure *f)
{
	struct vault *v = vault_blank(a, f);

	if (!v)
		return NULL;
	secure_random(v->key, KEY_LEN);
	secure_random(v->id, VAULT_ID_LEN);
	v->next_slot = 1;
	if (vault_slot_add(v, info, key, f)) {
		vault_free(v);
		return NULL;
	}
	undo_drop(v);
	return v;
}

/* Decrypt the box in the arena, and read it. */
static int box_open(struct vault *v, const uint8_t *file, const struct vault_layout *l,
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
		r = entries_read(v, plain, n, f);
	arena_release(v->arena, plain);
	return r;
}

struct vault *vault_open(struct arena *a, const uint8_t *file, size_t n, uint32_t slot,
			 const uint8_t key[KEY_LEN], struct failure *f)
{
	struct vault_layout l;
	struct vault *v = NULL;
	unsigned i;

	if (vault_parse(file, n, &l, f))
		return NULL;
	for (i = 0; i < l.slots && l.slot[i].info.id != slot; i++)
		;
	if (i == l.slots) {
		fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows them",
			 "cannot open the vault: it has no slot %" PRIu32, slot);
		return NULL;
	}
	v = vault_blank(a, f);
	if (!v)
		return NULL;
	v->generation = l.generation;
	memcpy(v->id, l.id, VAULT_ID_LEN);
	v->slots = l.slots;
	memcpy(v->slot, l.slot, sizeof(v->slot));
	if (slot_unwrap(v, &v->slot[i], key, f) || box_open(v, file, &l, f)) {
		vault_free(v);
		return NULL;
	}
	return v;
}

/* Everything before the box's nonce. */
static uint8_t *head_write(const struct vault *v, uint8_t *p, size_t total)
{
	unsigned i;

	p = put_bytes(p, VAULT_MAGIC, MAGIC_LEN);
	p = put_n(p, VAULT_VERSION, 2);
	p = put_n(p, 0, 2);
	p = put_n(p, total, 8);
	p = put_n(p, v->generation + 1, 8);
	p = put_bytes(p, v->id, VAULT_ID_LEN);
	p = put_n(p, v->slots, 2);
	for (i = 0; i < v->slots; i++)
		p = slot_write(p, &v->slot[i]);
	return p;
}

int vault_seal(struct vault *v, uint8_t **out, size_t *n, struct failure *f)
{
	size_t head = HEAD_LEN, plain_len = entries_size(v), total;
	uint8_t *file = NULL, *plain = NULL, *p;
	unsigned i;
	int r = -1;

	*out = NULL;
	*n = 0;
	if (v->generation == UINT64_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL,
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
		no_memory(f);
		goto out;
	}
	entries_write(v, plain);
	p = head_write(v, file, total);
	secure_random(p, NONCE_LEN);
	p = put_n(p + NONCE_LEN, plain_len + MAC_LEN, 8);
	crypto_aead_xchacha20poly1305_ietf_encrypt(p, NULL, plain, plain_len, file,
						   head + NONCE_LEN, NULL, file + head, v->key);
	p += plain_len + MAC_LEN;
	secure_hash(p, file, total - SUM_LEN, NULL, 0);
	*out = file;
	*n = total;
	r = 0;
out:
	arena_release(v->arena, plain);
	return r;
}

void vault_sealed(struct vault *v)
{
	v->generation++;
	undo_drop(v);
}

uint64_t vault_generation(const struct vault *v)
{
	return v->generation;
}

const uint8_t *vault_id(const struct vault *v)
{
	return v->id;
}

/* ---- slots ---- */

unsigned vault_slots(const struct vault *v)
{
	return v->slots;
}

const struct slot_info *vault_slot(const struct vault *v, unsigned i)
{
	return i < v->slots ? &v->slot[i].info : NULL;
}

int vault_slot_add(struct vault *v, struct slot_info *info, const uint8_t key[KEY_LEN],
		   struct failure *f)
{
	struct slot *s;

	undo_drop(v);
	if (slot_info_check(info, f))
		return -1;
	if (v->slots == VAULT_SLOTS_MAX)
		return fail_set(f, FAIL_EXISTS, "remove one: ccctl slot rm ID",
				"cannot add a slot: the vault has %d already", VAULT_SLOTS_MAX);
	if (v->next_slot == UINT32_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL,
				"cannot add a slot: the vault has used up its slot numbers");
	s = &v->slot[v->slots];
	memset(s, 0, sizeof(*s));
	s->info.id = v->next_slot;
	s->info.kind = info->kind;
	s->info.created = info->created;
	memcpy(s->info.label, info->label, strlen(info->label));
	if (info->kind == SLOT_PASSPHRASE)
		s->info.kdf = info->kdf;
	slot_wrap(v, s, key);
	info->id = v->next_slot++;
	v->undo.kind = UNDO_SLOT_ADD;
	v->undo.at = v->slots++;
	return 0;
}

int vault_slot_remove(struct vault *v, uint32_t id, struct failure *f)
{
	unsigned i;

	undo_drop(v);
	for (i = 0; i < v->slots && v->slot[i].info.id != id; i++)
		;
	if (i == v->slots)
		return fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows them",
				"cannot remove slot %" PRIu32 ": there is none", id);
	if (v->slots == 1)
		return fail_set(f, FAIL_POLICY, "add another slot first: ccctl slot add KIND",
				"cannot remove slot %" PRIu32 ": it is the last that opens the vault",
				id);
	v->undo.kind = UNDO_SLOT_REMOVE;
	v->undo.slot = v->slot[i];
	v->undo.at = i;
	v->slots--;
	memmove(&v->slot[i], &v->slot[i + 1], (v->slots - i) * sizeof(v->slot[0]));
	memset(&v->slot[v->slots], 0, sizeof(v->slot[0]));
	return 0;
}
