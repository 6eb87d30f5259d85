/*
 * vault/slots.c - the slots of an open vault: wrapping its key, adding,
 * removing, replacing, and another vault key for all of them.
 */
#include "vault/crypto.h"
#include "vault/vault_private.h"

#include <inttypes.h>
#include <stdlib.h>

#include <sodium.h>

#include "base/fail.h"
#include "vault/arena.h"

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

	random_fill(s->nonce, NONCE_LEN);
	n = slot_ad(v->id, s, ad);
	crypto_aead_xchacha20poly1305_ietf_encrypt(s->wrapped, NULL, v->key, KEY_LEN, ad, n,
						   NULL, s->nonce, key);
}

int slot_unwrap(struct vault *v, const struct slot *s, const uint8_t key[KEY_LEN], struct failure *f)
{
	uint8_t ad[VAULT_ID_LEN + SLOT_MAX];
	size_t n = slot_ad(v->id, s, ad);

	if (crypto_aead_xchacha20poly1305_ietf_decrypt(v->key, NULL, NULL, s->wrapped,
						       WRAPPED_LEN, ad, n, s->nonce, key) == 0)
		return 0;
	return fail_set(f, FAIL_WRONG_KEY, NULL, "cannot open the vault: wrong %s for slot %" PRIu32,
			s->info.kind == SLOT_PASSPHRASE ? "passphrase" : "key", s->info.id);
}

unsigned vault_slots(const struct vault *v)
{
	return v->slots;
}

const struct slot_info *vault_slot(const struct vault *v, unsigned i)
{
	return i < v->slots ? &v->slot[i].info : NULL;
}

uint32_t vault_next_slot(const struct vault *v)
{
	return v->next_slot;
}

/* ---- changes ---- */

/* Keep all slots as they are; with_key: the vault key too. */
static int remember(struct vault *v, bool with_key, struct failure *f)
{
	struct undo *u = &v->undo;

	undo_drop(v);
	if (!v->key)
		return fail_set(f, FAIL_LOCKED, "ccctl unlock", "cannot change the slots: the vault is locked");
	u->slots = malloc(sizeof(v->slot));
	if (!u->slots)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "cannot hold the vault: out of memory");
	if (with_key) {
		u->key = arena_alloc(v->arena, KEY_LEN, f);
		if (!u->key) {
			undo_drop(v);
			return -1;
		}
		memcpy(u->key, v->key, KEY_LEN);
	}
	memcpy(u->slots, v->slot, sizeof(v->slot));
	u->slot_count = v->slots;
	u->kind = UNDO_SLOTS;
	return 0;
}

void slots_undo(struct vault *v)
{
	struct undo *u = &v->undo;

	memcpy(v->slot, u->slots, sizeof(v->slot));
	v->slots = u->slot_count;
	if (u->key)
		memcpy(v->key, u->key, KEY_LEN);
}

/* The place of slot id, or -1 with f set. */
static int find_slot(const struct vault *v, uint32_t id, const char *doing, struct failure *f)
{
	unsigned i;

	for (i = 0; i < v->slots; i++)
		if (v->slot[i].info.id == id)
			return (int)i;
	return fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows them",
			"cannot %s slot %" PRIu32 ": there is none", doing, id);
}

/* Fill s, a place in the table, and wrap the key in it. */
static void place_slot(struct vault *v, struct slot *s, struct slot_info *info,
		       const uint8_t key[KEY_LEN])
{
	memset(s, 0, sizeof(*s));
	info->id = v->next_slot++;
	s->info = *info;
	/* what another kind has no use for is not kept */
	if (info->kind != SLOT_PASSPHRASE)
		memset(&s->info.kdf, 0, sizeof(s->info.kdf));
	slot_wrap(v, s, key);
}

static int check_new(const struct vault *v, const struct slot_info *info, struct failure *f)
{
	if (slot_info_check(info, f))
		return -1;
	if (v->next_slot == UINT32_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL,
				"cannot add a slot: the vault has used up its slot numbers");
	return 0;
}

int vault_slot_add(struct vault *v, struct slot_info *info, const uint8_t key[KEY_LEN],
		   struct failure *f)
{
	undo_drop(v);
	if (check_new(v, info, f) || remember(v, false, f))
		return -1;
	if (v->slots == VAULT_SLOTS_MAX) {
		undo_drop(v);
		return fail_set(f, FAIL_TOO_LARGE, "remove one: ccctl slot rm ID",
				"cannot add a slot: the vault has %d already", VAULT_SLOTS_MAX);
	}
	place_slot(v, &v->slot[v->slots], info, key);
	v->slots++;
	return 0;
}

int vault_slot_remove(struct vault *v, uint32_t id, struct failure *f)
{
	int i = find_slot(v, id, "remove", f);

	undo_drop(v);
	if (i < 0)
		return -1;
	if (v->slots == 1)
		return fail_set(f, FAIL_POLICY, "add another slot first: ccctl slot add KIND",
				"cannot remove slot %" PRIu32 ": it is the last that opens the vault",
				id);
	if (remember(v, false, f))
		return -1;
	v->slots--;
	memmove(&v->slot[i], &v->slot[i + 1], (v->slots - (unsigned)i) * sizeof(v->slot[0]));
	memset(&v->slot[v->slots], 0, sizeof(v->slot[0]));
	return 0;
}

int vault_slot_replace(struct vault *v, uint32_t id, struct slot_info *info,
		       const uint8_t key[KEY_LEN], struct failure *f)
{
	int i = find_slot(v, id, "replace", f);

	undo_drop(v);
	if (i < 0 || check_new(v, info, f) || remember(v, false, f))
		return -1;
	place_slot(v, &v->slot[i], info, key);
	return 0;
}

int vault_rekey(struct vault *v, const struct slot_key *keep, unsigned n, struct failure *f)
{
	unsigned i, k, kept = 0;
	int at;

	undo_drop(v);
	if (n == 0 || n > v->slots)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "cannot change the vault key for %u slots", n);
	for (i = 0; i < n; i++) {
		if (find_slot(v, keep[i].id, "keep", f) < 0)
			return -1;
		for (k = 0; k < i; k++)
			if (keep[k].id == keep[i].id)
				return fail_set(f, FAIL_BAD_VALUE, NULL, "slot %" PRIu32 " twice", keep[i].id);
	}
	if (remember(v, true, f))
		return -1;
	random_fill(v->key, KEY_LEN);
	for (i = 0; i < v->slots; i++) {
		for (k = 0, at = -1; k < n; k++)
			if (keep[k].id == v->slot[i].info.id)
				at = (int)k;
		if (at < 0)
			continue;
		if (kept != i)
			v->slot[kept] = v->slot[i];
		slot_wrap(v, &v->slot[kept++], keep[at].key);
	}
	memset(&v->slot[kept], 0, (v->slots - kept) * sizeof(v->slot[0]));
	v->slots = kept;
	return 0;
}
