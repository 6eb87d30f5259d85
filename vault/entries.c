/*
 * vault/entries.c - finding and changing the entries of an open vault.
 */
#include "vault/entries.h"

#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "vault/entry_list.h"
#include "vault/errors.h"
#include "vault/limits.h"
#include "vault/undo.h"
#include "vault/vault_private.h"
#include "wire/names.h"

unsigned vault_count(const struct vault *v)
{
	return v->count;
}

const struct entry *vault_at(const struct vault *v, unsigned i)
{
	return i < v->count ? v->entry[i] : NULL;
}

const struct entry *vault_find(const struct vault *v, const char *name)
{
	bool there;
	unsigned at = entry_list_search(v, name, &there);

	return there ? v->entry[at] : NULL;
}

int vault_put(struct vault *v, const struct entry *e, struct failure *f)
{
	const char *wrong = entry_wrong(e);
	struct entry *new = NULL;
	bool there;
	unsigned at;

	/* Copy first: e->token may be in the entry that this replaces. */
	if (wrong)
		fail_set(f, FAIL_BAD_VALUE, NULL, "cannot store an entry: %s is not allowed",
			 wrong);
	else if (entry_list_reserve(v, f) == 0)
		new = entry_copy(v->arena, e, f);
	undo_drop(v);
	if (!new)
		return -1;
	at = entry_list_search(v, new->name, &there);
	if (!there && v->count == VAULT_ENTRIES_MAX) {
		entry_free(v->arena, new);
		return fail_set(f, FAIL_TOO_LARGE, "remove entries that are not needed",
				"cannot store %s: the vault has %d entries already", e->name,
				VAULT_ENTRIES_MAX);
	}
	v->undo.kind = UNDO_ENTRY;
	memcpy(v->undo.name, new->name, sizeof(new->name));
	if (there) {
		v->undo.old = entry_list_cut(v, at);
		new->created = v->undo.old->created;
	}
	entry_list_insert(v, at, new);
	return 0;
}

int vault_remove(struct vault *v, const char *name, struct failure *f)
{
	bool there;
	unsigned at = entry_list_search(v, name, &there);

	undo_drop(v);
	if (!there)
		return vault_fail_no_entry(f, "remove", name);
	v->undo.kind = UNDO_ENTRY;
	v->undo.old = entry_list_cut(v, at);
	return 0;
}

int vault_rename(struct vault *v, const char *from, const char *to, struct failure *f)
{
	bool there;

	undo_drop(v);
	(void)entry_list_search(v, from, &there);
	if (!there)
		return vault_fail_no_entry(f, "rename", from);
	if (strnlen(to, NAME_MAX_LEN + 1) > NAME_MAX_LEN || !wire_name_ok(to))
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"cannot rename %s: the new name is not allowed", from);
	(void)entry_list_search(v, to, &there);
	if (there)
		return fail_set(f, FAIL_EXISTS,
				"remove that one first (ccctl rm), or choose another name",
				"cannot rename %s: there is an entry %s", from, to);
	v->undo.kind = UNDO_RENAME;
	memcpy(v->undo.name, to, strlen(to));
	memcpy(v->undo.was, from, strlen(from));
	/* from may be the name inside the entry: use the copy. */
	entry_list_rename(v, v->undo.was, v->undo.name);
	return 0;
}

void vault_mark_used(struct vault *v, const char *name, uint64_t when)
{
	bool there;
	unsigned at = entry_list_search(v, name, &there);

	if (there)
		v->entry[at]->used = when;
}
