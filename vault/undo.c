/*
 * vault/undo.c - keeping what a change replaces, and putting it back.
 */
#include "vault/undo.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/fail.h"
#include "vault/arena.h"
#include "vault/entry_list.h"
#include "vault/errors.h"
#include "vault/vault_private.h"

void undo_drop(struct vault *v)
{
	entry_free(v->arena, v->undo.old);
	free(v->undo.slots);
	free(v->undo.images);
	arena_release(v->arena, v->undo.key);
	sodium_memzero(&v->undo, sizeof(v->undo));
}

/* Drop the entry that vault_put added, and put back what it or vault_remove took. */
static void undo_entry(struct vault *v)
{
	struct undo *u = &v->undo;
	struct entry *new;
	bool there;
	unsigned at;

	at = entry_list_search(v, u->name, &there);
	if (there) {
		new = entry_list_cut(v, at);
		/* The entry was used since: that happened, whatever became of the change. */
		if (u->old && new->used > u->old->used)
			u->old->used = new->used;
		entry_free(v->arena, new);
	}
	if (u->old) {
		at = entry_list_search(v, u->old->name, &there);
		entry_list_insert(v, at, u->old);
		u->old = NULL;
	}
}

static void undo_slots(struct vault *v)
{
	struct undo *u = &v->undo;

	memcpy(v->slot, u->slots, sizeof(v->slot));
	v->slots = u->slot_count;
	v->next_slot = u->next_slot;
	if (u->key)
		memcpy(v->key, u->key, KEY_LEN);
}

void vault_undo(struct vault *v)
{
	switch (v->undo.kind) {
	case UNDO_NONE:
		break;
	case UNDO_ENTRY:
		undo_entry(v);
		break;
	case UNDO_RENAME:
		entry_list_rename(v, v->undo.name, v->undo.was);
		break;
	case UNDO_SLOTS:
		undo_slots(v);
		break;
	case UNDO_LOCK_SETTINGS:
		v->lock_settings = v->undo.lock_settings;
		break;
	case UNDO_IMAGES:
		memcpy(v->image, v->undo.images, sizeof(v->image));
		v->images = v->undo.image_count;
		break;
	}
	undo_drop(v);
}

int undo_keep_slots(struct vault *v, bool with_key, struct failure *f)
{
	struct undo *u = &v->undo;

	undo_drop(v);
	if (!v->key)
		return fail_set(f, FAIL_LOCKED, "ccctl unlock",
				"cannot change the slots: the vault is locked");
	u->slots = malloc(sizeof(v->slot));
	if (!u->slots)
		return vault_fail_no_memory(f);
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
	u->next_slot = v->next_slot;
	u->kind = UNDO_SLOTS;
	return 0;
}
