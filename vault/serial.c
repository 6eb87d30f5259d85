/*
 * vault/serial.c - entries as the bytes inside the box, and back.  The
 * plaintext is in the arena; what is read is hostile until it has been checked.
 */
#include "vault/vault_private.h"

#include <sodium.h>

#include "base/fail.h"

/* Fields of an entry in the box, each once: those up to TAG_USED, and then the
 * token, or (version 3) the three that say where it comes from. */
enum tag { TAG_NAME = 1, TAG_ORIGIN, TAG_VARIABLE, TAG_POLICY, TAG_CREATED, TAG_CHANGED,
	   TAG_USED, TAG_TOKEN, TAG_SOURCE, TAG_COMMAND, TAG_PICK, TAG_END };
#define TAGS_ALWAYS ((1u << TAG_TOKEN) - (1u << TAG_NAME))
#define TAGS_TOKEN (TAGS_ALWAYS | 1u << TAG_TOKEN)
#define TAGS_SOURCE (TAGS_ALWAYS | ((1u << TAG_END) - (1u << TAG_SOURCE)))
#define FIELDS_ALWAYS (TAG_TOKEN - TAG_NAME)

/* What is read of one entry. */
struct reading {
	struct entry e;
	struct entry_source source;
};

static size_t entry_size(const struct entry *e)
{
	size_t n = FIELD_HEAD * FIELDS_ALWAYS + strlen(e->name) + strlen(e->origin) +
		   strlen(e->variable) + strlen(e->policy) + 3 * 8;

	if (!e->source)
		return n + FIELD_HEAD + e->token_len;
	return n + 3 * FIELD_HEAD + strlen(e->source->ref) + strlen(e->source->command) +
	       strlen(e->source->pick);
}

unsigned entries_version(const struct vault *v)
{
	unsigned i;

	for (i = 0; i < v->count; i++)
		if (v->entry[i]->source)
			return VAULT_VERSION;
	return VAULT_VERSION_PLAIN;
}

size_t entries_size(const struct vault *v)
{
	size_t n = PLAIN_HEAD_LEN + LOCK_SETTINGS_LEN;
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
	p = put_n(p, LOCK_SETTINGS_LEN, 4);
	p = lock_settings_write(p, &v->lock_settings);
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
		if (!e->source) {
			p = put_field(p, TAG_TOKEN, e->token, e->token_len);
			continue;
		}
		p = put_field(p, TAG_SOURCE, e->source->ref, strlen(e->source->ref));
		p = put_field(p, TAG_COMMAND, e->source->command, strlen(e->source->command));
		p = put_field(p, TAG_PICK, e->source->pick, strlen(e->source->pick));
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

static bool read_words(char *out, size_t max, const uint8_t *p, size_t n)
{
	if (n == 0 || n > max || !words_ok(p, n))
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

/* One field into the entry, whose token then points into the plaintext. */
static bool read_field(struct reading *r, enum tag tag, const uint8_t *p, size_t n)
{
	struct entry *e = &r->e;

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
	case TAG_SOURCE:
		e->source = &r->source;
		return read_words(r->source.ref, SOURCE_REF_MAX, p, n);
	case TAG_COMMAND:
		return read_words(r->source.command, SOURCE_COMMAND_MAX, p, n);
	case TAG_PICK:
		return read_words(r->source.pick, SOURCE_PICK_MAX, p, n);
	case TAG_END:
		break;
	}
	return false;
}

static int read_entry(struct cursor *c, unsigned version, struct reading *r, struct failure *f)
{
	enum tag end = version < VAULT_VERSION ? TAG_SOURCE : TAG_END;
	unsigned seen = 0;
	uint64_t tag, n;
	const uint8_t *p;

	while (c->left > 0) {
		tag = take_n(c, 2);
		n = take_n(c, 4);
		p = take(c, (size_t)n);
		if (c->bad)
			return broken(f, "a field is cut off");
		if (tag < TAG_NAME || tag >= end)
			return fail_set(f, FAIL_NEWER,
					"it was written by a newer ccrun: update this one",
					"cannot read the vault: an entry has an unknown field");
		if (seen & 1u << tag)
			return broken(f, "an entry has a field twice");
		seen |= 1u << tag;
		if (!read_field(r, (enum tag)tag, p, (size_t)n))
			return broken(f, "a field is not allowed");
	}
	if (seen != TAGS_TOKEN && seen != TAGS_SOURCE)
		return broken(f, "an entry lacks a field");
	if (entry_wrong(&r->e))
		return broken(f, "an entry is not allowed");
	return 0;
}

/* Read one entry and append it; names must come in order, so none is there twice. */
static int read_next(struct vault *v, unsigned version, struct cursor *c, struct failure *f)
{
	uint64_t n = take_n(c, 4);
	struct cursor fields = { NULL, (size_t)n, false };
	struct reading next = { 0 };
	int r = -1;

	fields.p = take(c, (size_t)n);
	if (c->bad)
		return broken(f, "an entry is cut off");
	if (read_entry(&fields, version, &next, f))
		goto out;
	if (v->count > 0 && strcmp(v->entry[v->count - 1]->name, next.e.name) >= 0) {
		r = broken(f, "the entries are not in order");
		goto out;
	}
	r = entries_append(v, &next.e, f);
out:
	sodium_memzero(&next, sizeof(next));
	return r;
}

/* Version 1 has none. */
static int read_settings(struct vault *v, unsigned version, struct cursor *c, struct failure *f)
{
	const uint8_t *p;
	uint64_t n;

	if (version == VAULT_VERSION_FIRST)
		return 0;
	n = take_n(c, 4);
	p = take(c, (size_t)n);
	if (c->bad)
		return broken(f, "the settings are cut off");
	return lock_settings_read(p, (size_t)n, &v->lock_settings, f);
}

int entries_read(struct vault *v, unsigned version, const uint8_t *p, size_t n, struct failure *f)
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
	if (read_settings(v, version, &c, f))
		return -1;
	for (i = 0; i < count; i++)
		if (read_next(v, version, &c, f))
			return -1;
	if (c.left >= PAD_STEP || !sodium_is_zero(c.p, c.left))
		return broken(f, "the padding is not zero");
	return 0;
}
