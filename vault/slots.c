/*
 * vault/slots.c - adding, removing and replacing slots, and a new vault key for
 * those that stay.
 */
#include "vault/slots.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "vault/crypto.h"
#include "vault/slot_format.h"
#include "vault/slot_wrap.h"
#include "vault/undo.h"
#include "vault/vault_private.h"

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

/* The index of slot id; -1 with FAIL_NO_ENTRY "cannot DOING slot". */
static int slot_index(const struct vault *v, uint32_t id, const char *doing, struct failure *f)
{
	unsigned i;

	for (i = 0; i < v->slots; i++)
		if (v->slot[i].info.id == id)
			return (int)i;
	return fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows them",
			"cannot %s slot %" PRIu32 ": there is none", doing, id);
}

/* Make s, a place in the table, the new slot. */
static void slot_fill(struct vault *v, struct slot *s, struct slot_info *info,
		      const uint8_t key[KEY_LEN])
{
	memset(s, 0, sizeof(*s));
	info->id = v->next_slot++;
	s->info = *info;
	/* The caller may have filled it in for every kind. */
	if (info->kind != SLOT_PASSPHRASE)
		memset(&s->info.kdf, 0, sizeof(s->info.kdf));
	slot_wrap(v, s, key);
}

static int slot_check_new(const struct vault *v, const struct slot_info *info, struct failure *f)
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
	if (slot_check_new(v, info, f) || undo_keep_slots(v, false, f))
		return -1;
	if (v->slots == VAULT_SLOTS_MAX) {
		undo_drop(v);
		return fail_set(f, FAIL_TOO_LARGE, "remove one: ccctl slot rm SLOT",
				"cannot add a slot: the vault has %d already", VAULT_SLOTS_MAX);
	}
	slot_fill(v, &v->slot[v->slots], info, key);
	v->slots++;
	return 0;
}

int vault_slot_remove(struct vault *v, uint32_t id, struct failure *f)
{
	int i = slot_index(v, id, "remove", f);

	undo_drop(v);
	if (i < 0)
		return -1;
	if (v->slots == 1)
		return fail_set(f, FAIL_POLICY, "add another slot first: ccctl slot add KIND",
				"cannot remove slot %" PRIu32
				": it is the last that opens the vault",
				id);
	if (undo_keep_slots(v, false, f))
		return -1;
	v->slots--;
	memmove(&v->slot[i], &v->slot[i + 1], (v->slots - (unsigned)i) * sizeof(v->slot[0]));
	memset(&v->slot[v->slots], 0, sizeof(v->slot[0]));
	return 0;
}

int vault_slot_replace(struct vault *v, uint32_t id, struct slot_info *info,
		       const uint8_t key[KEY_LEN], struct failure *f)
{
	int i = slot_index(v, id, "replace", f);

	undo_drop(v);
	if (i < 0 || slot_check_new(v, info, f) || undo_keep_slots(v, false, f))
		return -1;
	slot_fill(v, &v->slot[i], info, key);
	return 0;
}

int vault_rekey(struct vault *v, const struct slot_key *keep, unsigned n, struct failure *f)
{
	unsigned i, k, kept = 0;
	int at;

	undo_drop(v);
	if (n == 0 || n > v->slots)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "cannot change the vault key for %u slots",
				n);
	for (i = 0; i < n; i++) {
		if (slot_index(v, keep[i].id, "keep", f) < 0)
			return -1;
		for (k = 0; k < i; k++)
			if (keep[k].id == keep[i].id)
				return fail_set(f, FAIL_BAD_VALUE, NULL, "slot %" PRIu32 " twice",
						keep[i].id);
	}
	if (undo_keep_slots(v, true, f))
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
