/*
 * vault/entries.c - the entries of an open vault: the list, its
 * changes and how the last one is taken back, and tokens that sleep.  Tokens
 * are in the arena; names, origins and policies are in ordinary memory.
 */
#include "vault/vault_private.h"

#include <stdlib.h>

#include <sodium.h>

#include "base/fail.h"
#include "vault/arena.h"
#include "wire/message.h"

#define ROOM_FIRST 16 /* entries; doubled when it is used up */

/* ---- the list ---- */

static void entry_free(struct vault *v, struct entry *e)
{
	if (!e)
		return;
	arena_release(v->arena, (void *)(uintptr_t)e->token);
	free((void *)(uintptr_t)e->source);
	sodium_memzero(e, sizeof(*e));
	free(e);
}

/* Where name is, or would be. */
static unsigned place(const struct vault *v, const char *name, bool *there)
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

/* Make room for one more pointer, so that inserting cannot fail later. */
static int make_room(struct vault *v, struct failure *f)
{
	unsigned room = v->room ? v->room * 2 : ROOM_FIRST;
	struct entry **grown;

	if (v->count < v->room)
		return 0;
	grown = realloc(v->entry, room * sizeof(*grown));
	if (!grown)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "cannot hold the vault: out of memory");
	v->entry = grown;
	v->room = room;
	return 0;
}

static void insert(struct vault *v, unsigned at, struct entry *e)
{
	memmove(&v->entry[at + 1], &v->entry[at], (v->count - at) * sizeof(v->entry[0]));
	v->entry[at] = e;
	v->count++;
}

static struct entry *cut(struct vault *v, unsigned at)
{
	struct entry *e = v->entry[at];

	v->count--;
	memmove(&v->entry[at], &v->entry[at + 1], (v->count - at) * sizeof(v->entry[0]));
	return e;
}

static bool source_text_ok(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	return n > 0 && n <= max && words_ok(text, n);
}

static bool source_ok(const struct entry_source *s)
{
	return source_text_ok(s->ref, SOURCE_REF_MAX) &&
	       source_text_ok(s->command, SOURCE_COMMAND_MAX) &&
	       source_text_ok(s->pick, SOURCE_PICK_MAX);
}

const char *entry_wrong(const struct entry *e)
{
	size_t origin = strnlen(e->origin, sizeof(e->origin));
	size_t policy = strnlen(e->policy, sizeof(e->policy));

	if (!memchr(e->name, '\0', sizeof(e->name)) || !wire_name_ok(e->name))
		return "the name";
	if (origin > ORIGIN_MAX_LEN || !text_ok(e->origin, origin))
		return "the origin";
	if (!memchr(e->variable, '\0', sizeof(e->variable)) ||
	    (e->variable[0] && !wire_variable_ok(e->variable)))
		return "the variable";
	if (policy > POLICY_MAX_LEN || !text_ok(e->policy, policy))
		return "the policy";
	if (e->source && !source_ok(e->source))
		return "the source";
	if (e->source && !e->token)
		return NULL;
	if (e->token_len == 0 || e->token_len > TOKEN_MAX)
		return "the token's length";
	if (!e->token)
		return "a token that is not in memory";
	return NULL;
}

/* Where the token comes from, as a copy; both may be NULL. */
static int copy_source(struct entry *to, const struct entry_source *from, struct failure *f)
{
	struct entry_source *copy;

	to->source = NULL;
	if (!from)
		return 0;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "cannot hold the vault: out of memory");
	*copy = *from;
	to->source = copy;
	return 0;
}

/* A copy on the heap with the token in the arena. */
static struct entry *entry_copy(struct vault *v, const struct entry *e, struct failure *f)
{
	struct entry *new = calloc(1, sizeof(*new));
	uint8_t *token;

	if (!new) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "cannot hold the vault: out of memory");
		return NULL;
	}
	*new = *e;
	new->token = NULL;
	if (copy_source(new, e->source, f) != 0) {
		entry_free(v, new);
		return NULL;
	}
	if (!e->token)
		return new;
	token = arena_alloc(v->arena, e->token_len, f);
	new->token = token;
	if (!token) {
		entry_free(v, new);
		return NULL;
	}
	memcpy(token, e->token, e->token_len);
	return new;
}

int entries_append(struct vault *v, const struct entry *e, struct failure *f)
{
	struct entry *copy;

	if (make_room(v, f))
		return -1;
	copy = entry_copy(v, e, f);
	if (!copy)
		return -1;
	insert(v, v->count, copy);
	return 0;
}

void vault_set_since(struct vault *v, int64_t now)
{
	unsigned i;

	for (i = 0; i < v->count; i++)
		if (!v->entry[i]->source)
			v->entry[i]->since = now;
}

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
	unsigned at = place(v, name, &there);

	return there ? v->entry[at] : NULL;
}

/* ---- changes ---- */

void undo_drop(struct vault *v)
{
	entry_free(v, v->undo.old);
	free(v->undo.slots);
	arena_release(v->arena, v->undo.key);
	sodium_memzero(&v->undo, sizeof(v->undo));
}

int vault_put(struct vault *v, const struct entry *e, struct failure *f)
{
	const char *wrong = entry_wrong(e);
	struct entry *new = NULL;
	bool there;
	unsigned at;

	/* Copy first: e->token may be in the entry that this replaces. */
	if (wrong)
		fail_set(f, FAIL_BAD_VALUE, NULL, "cannot store an entry: %s is not allowed", wrong);
	else if (make_room(v, f) == 0)
		new = entry_copy(v, e, f);
	undo_drop(v);
	if (!new)
		return -1;
	at = place(v, new->name, &there);
	if (!there && v->count == VAULT_ENTRIES_MAX) {
		entry_free(v, new);
		return fail_set(f, FAIL_TOO_LARGE, "remove entries that are not needed",
				"cannot store %s: the vault has %d entries already", e->name,
				VAULT_ENTRIES_MAX);
	}
	v->undo.kind = UNDO_ENTRY;
	memcpy(v->undo.name, new->name, sizeof(new->name));
	if (there) {
		v->undo.old = cut(v, at);
		new->created = v->undo.old->created;
	}
	insert(v, at, new);
	return 0;
}

static int no_entry(struct failure *f, const char *doing, const char *name)
{
	return fail_set(f, FAIL_NO_ENTRY, "ccctl keys shows what is there",
			"cannot %s %.*s: no such entry", doing, NAME_MAX_LEN, name);
}

int vault_remove(struct vault *v, const char *name, struct failure *f)
{
	bool there;
	unsigned at = place(v, name, &there);

	undo_drop(v);
	if (!there)
		return no_entry(f, "remove", name);
	v->undo.kind = UNDO_ENTRY;
	v->undo.old = cut(v, at);
	return 0;
}

/* Move the entry `from` to the name `to`; both were checked. */
static void rename_entry(struct vault *v, const char *from, const char *to)
{
	bool there;
	struct entry *e = cut(v, place(v, from, &there));

	memset(e->name, 0, sizeof(e->name));
	memcpy(e->name, to, strlen(to));
	insert(v, place(v, to, &there), e);
}

int vault_rename(struct vault *v, const char *from, const char *to, struct failure *f)
{
	bool there;

	undo_drop(v);
	(void)place(v, from, &there);
	if (!there)
		return no_entry(f, "rename", from);
	if (strnlen(to, NAME_MAX_LEN + 1) > NAME_MAX_LEN || !wire_name_ok(to))
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"cannot rename %s: the new name is not allowed", from);
	(void)place(v, to, &there);
	if (there)
		return fail_set(f, FAIL_EXISTS, "remove that one first (ccctl rm), or choose another name",
				"cannot rename %s: there is an entry %s", from, to);
	v->undo.kind = UNDO_RENAME;
	memcpy(v->undo.name, to, strlen(to));
	memcpy(v->undo.was, from, strlen(from));
	/* from may be the name inside the entry: use the copy. */
	rename_entry(v, v->undo.was, v->undo.name);
	return 0;
}

/* Put back what vault_put or vault_remove took, or drop what was new. */
static void undo_entry(struct vault *v)
{
	struct undo *u = &v->undo;
	struct entry *new;
	bool there;
	unsigned at;

	at = place(v, u->name, &there);
	if (there) {
		new = cut(v, at);
		/* a use of the name is a fact, whatever became of the change */
		if (u->old && new->used > u->old->used)
			u->old->used = new->used;
		entry_free(v, new);
	}
	if (u->old) {
		at = place(v, u->old->name, &there);
		insert(v, at, u->old);
		u->old = NULL;
	}
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
		rename_entry(v, v->undo.name, v->undo.was);
		break;
	case UNDO_SLOTS:
		slots_undo(v);
		break;
	case UNDO_LOCK_SETTINGS:
		v->lock_settings = v->undo.lock_settings;
		break;
	}
	undo_drop(v);
}

void vault_mark_used(struct vault *v, const char *name, uint64_t when)
{
	bool there;
	unsigned at = place(v, name, &there);

	if (there)
		v->entry[at]->used = when;
}

/* ---- sleeping ---- */

void vault_token_sleep(struct vault *v, const char *name)
{
	bool there;
	unsigned at = place(v, name, &there);

	if (!there)
		return;
	arena_release(v->arena, (void *)(uintptr_t)v->entry[at]->token);
	v->entry[at]->token = NULL;
}

unsigned vault_tokens_asleep(const struct vault *v)
{
	unsigned i, n = 0;

	for (i = 0; i < v->count; i++)
		n += v->entry[i]->token == NULL && !v->entry[i]->source;
	return n;
}

int entries_wake(struct vault *v, const struct vault *from, struct failure *f)
{
	const struct entry *stored;
	uint8_t *token;
	unsigned i;

	for (i = 0; i < v->count; i++) {
		if (v->entry[i]->token || v->entry[i]->source)
			continue;
		stored = vault_find(from, v->entry[i]->name);
		if (!stored || !stored->token || stored->token_len != v->entry[i]->token_len)
			return fail_set(f, FAIL_CHANGED, "ccctl lock, then ccctl unlock",
					"the vault's file is not the one that was opened");
		token = arena_alloc(v->arena, stored->token_len, f);
		if (!token)
			return -1;
		memcpy(token, stored->token, stored->token_len);
		v->entry[i]->token = token;
	}
	return 0;
}

/* ---- fetched tokens ---- */

/* Put a copy of n bytes in the place of e's token. */
static int take_value(struct vault *v, struct entry *e, const uint8_t *token, size_t n, int64_t now,
		      struct failure *f)
{
	uint8_t *copy = arena_alloc(v->arena, n, f);

	if (!copy)
		return -1;
	memcpy(copy, token, n);
	arena_release(v->arena, (void *)(uintptr_t)e->token);
	e->token = copy;
	e->token_len = n;
	e->since = now;
	return 0;
}

int vault_token_set_fetched(struct vault *v, const char *name, const uint8_t *token, size_t n, int64_t now,
		  struct failure *f)
{
	bool there;
	unsigned at = place(v, name, &there);

	if (!there || !v->entry[at]->source)
		return no_entry(f, "fetch", name);
	if (n == 0 || n > TOKEN_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "cannot keep a token of %zu bytes", n);
	return take_value(v, v->entry[at], token, n, now, f);
}

static bool same_source(const struct entry *a, const struct entry *b)
{
	return a && a->source && b->source && strcmp(a->source->ref, b->source->ref) == 0 &&
	       strcmp(a->source->command, b->source->command) == 0 &&
	       strcmp(a->source->pick, b->source->pick) == 0;
}

void vault_tokens_carry(const struct vault *from, struct vault *to)
{
	const struct entry *had;
	unsigned i;

	/* What does not fit any more is fetched again. */
	for (i = 0; from && i < to->count; i++) {
		had = vault_find(from, to->entry[i]->name);
		if (!to->entry[i]->token && same_source(had, to->entry[i]) && had->token)
			take_value(to, to->entry[i], had->token, had->token_len, had->since, NULL);
	}
}

void entries_filter(struct vault *v, bool (*keep)(const struct entry *e))
{
	unsigned i;

	undo_drop(v);
	for (i = 0; i < v->count;)
		if (v->entry[i]->token && keep(v->entry[i]))
			i++;
		else
			entry_free(v, cut(v, i));
}

void entries_free(struct vault *v)
{
	undo_drop(v);
	while (v->count > 0)
		entry_free(v, cut(v, v->count - 1));
	free(v->entry);
	v->entry = NULL;
	v->room = 0;
}
