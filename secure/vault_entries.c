/*
 * secure/vault_entries.c - the entries of an open vault: the list, its
 * changes and how the last one is taken back, and their serialized form.
 * Tokens are in the arena; names, origins and policies are in ordinary memory.
 */
#include "secure/vault_private.h"

#include <stdlib.h>

#include <sodium.h>

#include "base/fail.h"
#include "secure/arena.h"
#include "wire/message.h"

#define ROOM_FIRST 16 /* entries; doubled when it is used up */

/* Fields of an entry in the box.  All are there, each once. */
enum tag { TAG_NAME = 1, TAG_ORIGIN, TAG_VARIABLE, TAG_POLICY, TAG_CREATED, TAG_CHANGED,
	   TAG_USED, TAG_TOKEN, TAG_END };
#define TAGS_ALL ((1u << TAG_END) - (1u << TAG_NAME))
#define FIELD_HEAD 6 /* u16 tag, u32 length */
#define FIELDS_HEAD (FIELD_HEAD * (TAG_END - TAG_NAME))

/* ---- the list ---- */

static void entry_free(struct vault *v, struct entry *e)
{
	if (!e)
		return;
	arena_release(v->arena, (void *)(uintptr_t)e->token);
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

/* What is allowed in an entry; the first thing that is not, or NULL. */
static const char *entry_wrong(const struct entry *e)
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
	if (e->token_len == 0 || e->token_len > TOKEN_MAX)
		return "the token's length";
	return NULL;
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
	token = arena_alloc(v->arena, e->token_len, f);
	new->token = token;
	if (!token) {
		entry_free(v, new);
		return NULL;
	}
	memcpy(token, e->token, e->token_len);
	return new;
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

static void undo_slot(struct vault *v)
{
	struct undo *u = &v->undo;

	if (u->kind == UNDO_SLOT_ADD) {
		v->slots--;
		memset(&v->slot[v->slots], 0, sizeof(v->slot[0]));
		return;
	}
	memmove(&v->slot[u->at + 1], &v->slot[u->at], (v->slots - u->at) * sizeof(v->slot[0]));
	v->slot[u->at] = u->slot;
	v->slots++;
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
	case UNDO_SLOT_ADD:
	case UNDO_SLOT_REMOVE:
		undo_slot(v);
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

void entries_free(struct vault *v)
{
	undo_drop(v);
	while (v->count > 0)
		entry_free(v, cut(v, v->count - 1));
	free(v->entry);
	v->entry = NULL;
	v->room = 0;
}

/* ---- serialized ---- */

static size_t entry_size(const struct entry *e)
{
	return FIELDS_HEAD + strlen(e->name) + strlen(e->origin) + strlen(e->variable) +
	       strlen(e->policy) + 3 * 8 + e->token_len;
}

size_t entries_size(const struct vault *v)
{
	size_t n = PLAIN_HEAD_LEN;
	unsigned i;

	for (i = 0; i < v->count; i++)
		n += 4 + entry_size(v->entry[i]);
	return (n + PAD_STEP - 1) / PAD_STEP * PAD_STEP;
}

static uint8_t *put_field(uint8_t *p, enum tag tag, const void *from, size_t n)
{
	p = put_n(p, tag, 2);
	p = put_n(p, n, 4);
	return put_bytes(p, from, n);
}

static uint8_t *put_time(uint8_t *p, enum tag tag, uint64_t when)
{
	p = put_n(p, tag, 2);
	p = put_n(p, 8, 4);
	return put_n(p, when, 8);
}

void entries_write(const struct vault *v, uint8_t *p)
{
	const struct entry *e;
	unsigned i;

	p = put_n(p, v->next_slot, 4);
	p = put_n(p, v->count, 4);
	for (i = 0; i < v->count; i++) {
		e = v->entry[i];
		p = put_n(p, entry_size(e), 4);
		p = put_field(p, TAG_NAME, e->name, strlen(e->name));
		p = put_field(p, TAG_ORIGIN, e->origin, strlen(e->origin));
		p = put_field(p, TAG_VARIABLE, e->variable, strlen(e->variable));
		p = put_field(p, TAG_POLICY, e->policy, strlen(e->policy));
		p = put_time(p, TAG_CREATED, e->created);
		p = put_time(p, TAG_CHANGED, e->changed);
		p = put_time(p, TAG_USED, e->used);
		p = put_field(p, TAG_TOKEN, e->token, e->token_len);
	}
}

static int broken(struct failure *f, const char *why)
{
	return fail_set(f, FAIL_DAMAGED, NULL, "cannot read the vault: it is damaged: %s", why);
}

/* Copy a text of n bytes; a NUL inside would hide what follows it. */
static bool read_text(char *out, size_t max, const uint8_t *p, size_t n)
{
	if (n > max || !text_ok(p, n))
		return false;
	memcpy(out, p, n);
	return true;
}

static bool read_time(uint64_t *out, const uint8_t *p, size_t n)
{
	struct cursor c = { p, n, n != 8 };

	*out = take_n(&c, 8);
	return !c.bad;
}

/* One field into e, whose token then points into the plaintext. */
static bool read_field(struct entry *e, enum tag tag, const uint8_t *p, size_t n)
{
	switch (tag) {
	case TAG_NAME:
		return read_text(e->name, NAME_MAX_LEN, p, n);
	case TAG_ORIGIN:
		return read_text(e->origin, ORIGIN_MAX_LEN, p, n);
	case TAG_VARIABLE:
		return read_text(e->variable, VARIABLE_MAX_LEN, p, n);
	case TAG_POLICY:
		return read_text(e->policy, POLICY_MAX_LEN, p, n);
	case TAG_CREATED:
		return read_time(&e->created, p, n);
	case TAG_CHANGED:
		return read_time(&e->changed, p, n);
	case TAG_USED:
		return read_time(&e->used, p, n);
	case TAG_TOKEN:
		e->token = p;
		e->token_len = n;
		return true;
	case TAG_END:
		break;
	}
	return false;
}

static int read_entry(struct cursor *c, struct entry *e, struct failure *f)
{
	unsigned seen = 0;
	uint64_t tag, n;
	const uint8_t *p;

	while (c->left > 0) {
		tag = take_n(c, 2);
		n = take_n(c, 4);
		p = take(c, (size_t)n);
		if (c->bad)
			return broken(f, "a field is cut off");
		if (tag < TAG_NAME || tag >= TAG_END)
			return fail_set(f, FAIL_NEWER,
					"it was written by a newer ccrun: update this one",
					"cannot read the vault: an entry has an unknown field");
		if (seen & 1u << tag)
			return broken(f, "an entry has a field twice");
		seen |= 1u << tag;
		if (!read_field(e, (enum tag)tag, p, (size_t)n))
			return broken(f, "a field is not allowed");
	}
	if (seen != TAGS_ALL)
		return broken(f, "an entry lacks a field");
	if (entry_wrong(e))
		return broken(f, "an entry is not allowed");
	return 0;
}

/* Read one entry and append it; names must come in order, so none is there twice. */
static int read_next(struct vault *v, struct cursor *c, struct failure *f)
{
	uint64_t n = take_n(c, 4);
	struct cursor fields = { NULL, (size_t)n, false };
	struct entry e = { 0 }, *copy = NULL;
	int r = -1;

	fields.p = take(c, (size_t)n);
	if (c->bad)
		return broken(f, "an entry is cut off");
	if (read_entry(&fields, &e, f))
		goto out;
	if (v->count > 0 && strcmp(v->entry[v->count - 1]->name, e.name) >= 0) {
		r = broken(f, "the entries are not in order");
		goto out;
	}
	if (make_room(v, f))
		goto out;
	copy = entry_copy(v, &e, f);
	if (!copy)
		goto out;
	insert(v, v->count, copy);
	r = 0;
out:
	sodium_memzero(&e, sizeof(e));
	return r;
}

int entries_read(struct vault *v, const uint8_t *p, size_t n, struct failure *f)
{
	struct cursor c = { p, n, false };
	uint64_t count, i;

	v->next_slot = (uint32_t)take_n(&c, 4);
	count = take_n(&c, 4);
	if (c.bad || count > VAULT_ENTRIES_MAX)
		return broken(f, "the number of entries is impossible");
	for (i = 0; i < v->slots; i++)
		if (v->slot[i].info.id >= v->next_slot)
			return broken(f, "a slot's number is impossible");
	for (i = 0; i < count; i++)
		if (read_next(v, &c, f))
			return -1;
	if (c.left >= PAD_STEP || !sodium_is_zero(c.p, c.left))
		return broken(f, "the padding is not zero");
	return 0;
}
