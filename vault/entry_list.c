/*
 * vault/entry_list.c - the sorted array of an open vault's entries.
 */
#include "vault/entry_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "vault/entry.h"
#include "vault/errors.h"
#include "vault/vault_private.h"

#define ROOM_FIRST 16 /* entries; doubled when it is used up */

unsigned entry_list_search(const struct vault *v, const char *name, bool *there)
{
	unsigned low = 0, high = v->count, mid;
	int c;

	*there = false;
	while (low < high) {
		mid = low + (high - low) / 2;
		c = strcmp(v->entry[mid]->name, name);
		if (c == 0) {
			*there = true;
			return mid;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int entry_list_reserve(struct vault *v, struct failure *f)
{
	unsigned room = v->room ? v->room * 2 : ROOM_FIRST;
	struct entry **grown;

	if (v->count < v->room)
		return 0;
	grown = realloc(v->entry, room * sizeof(*grown));
	if (!grown)
		return vault_fail_no_memory(f);
	v->entry = grown;
	v->room = room;
	return 0;
}

void entry_list_insert(struct vault *v, unsigned at, struct entry *e)
{
	memmove(&v->entry[at + 1], &v->entry[at], (v->count - at) * sizeof(v->entry[0]));
	v->entry[at] = e;
	v->count++;
}

struct entry *entry_list_cut(struct vault *v, unsigned at)
{
	struct entry *e = v->entry[at];

	v->count--;
	memmove(&v->entry[at], &v->entry[at + 1], (v->count - at) * sizeof(v->entry[0]));
	return e;
}

int entry_list_append(struct vault *v, const struct entry *e, struct failure *f)
{
	struct entry *copy;

	if (entry_list_reserve(v, f))
		return -1;
	copy = entry_copy(v->arena, e, f);
	if (!copy)
		return -1;
	entry_list_insert(v, v->count, copy);
	return 0;
}

void entry_list_rename(struct vault *v, const char *from, const char *to)
{
	bool there;
	struct entry *e = entry_list_cut(v, entry_list_search(v, from, &there));

	memset(e->name, 0, sizeof(e->name));
	memcpy(e->name, to, strlen(to));
	entry_list_insert(v, entry_list_search(v, to, &there), e);
}

void entry_list_filter(struct vault *v, bool (*keep)(const struct entry *e))
{
	unsigned i;

	for (i = 0; i < v->count;)
		if (v->entry[i]->token && keep(v->entry[i]))
			i++;
		else
			entry_free(v->arena, entry_list_cut(v, i));
}

void entry_list_free(struct vault *v)
{
	while (v->count > 0)
		entry_free(v->arena, entry_list_cut(v, v->count - 1));
	free(v->entry);
	v->entry = NULL;
	v->room = 0;
}
