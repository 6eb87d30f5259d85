/*
 * vault/serial.c - lock settings, images and entries as the bytes inside the box, and back.
 * The plaintext is in the arena.  What is read is checked as if it were hostile.
 */
#include "vault/serial.h"

#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "base/fail.h"
#include "vault/bytes.h"
#include "vault/entry.h"
#include "vault/entry_list.h"
#include "vault/errors.h"
#include "vault/format.h"
#include "vault/limits.h"
#include "vault/lock_settings.h"
#include "vault/tagged_fields.h"
#include "vault/vault_private.h"

/* The fields of an entry, each once: those up to TAG_USED, then either the token or
 * (since version 3) the three of its source. */
enum tag {
	TAG_NAME = 1,
	TAG_ORIGIN,
	TAG_VARIABLE,
	TAG_POLICY,
	TAG_CREATED,
	TAG_CHANGED,
	TAG_USED,
	TAG_TOKEN,
	TAG_SOURCE,
	TAG_COMMAND,
	TAG_PICK,
	TAG_END
};
#define TAGS_ALWAYS ((1u << TAG_TOKEN) - (1u << TAG_NAME))
#define TAGS_TOKEN (TAGS_ALWAYS | 1u << TAG_TOKEN)
#define TAGS_SOURCE (TAGS_ALWAYS | ((1u << TAG_END) - (1u << TAG_SOURCE)))
#define FIELDS_ALWAYS (TAG_TOKEN - TAG_NAME)

/* An entry while it is read; e.source points to source. */
struct entry_reading {
	struct entry e;
	struct entry_source source;
};

static size_t serial_entry_size(const struct entry *e)
{
	size_t n = FIELD_HEAD_LEN * FIELDS_ALWAYS + strlen(e->name) + strlen(e->origin) +
		   strlen(e->variable) + strlen(e->policy) + 3 * 8;

	if (!e->source)
		return n + FIELD_HEAD_LEN + e->token_len;
	return n + 3 * FIELD_HEAD_LEN + strlen(e->source->ref) + strlen(e->source->command) +
	       strlen(e->source->pick);
}

unsigned serial_version(const struct vault *v)
{
	unsigned i, version = lock_settings_version(&v->lock_settings);

	if (v->images)
		return VAULT_VERSION;
	for (i = 0; i < v->count; i++)
		if (v->entry[i]->source)
			version = version < VAULT_VERSION_SOURCE ? VAULT_VERSION_SOURCE : version;
	return version;
}

size_t serial_size(const struct vault *v)
{
	size_t n = PLAIN_HEAD_LEN + lock_settings_size(serial_version(v)) + images_size(v);
	unsigned i;

	for (i = 0; i < v->count; i++)
		n += 4 + serial_entry_size(v->entry[i]);
	return (n + PAD_STEP - 1) / PAD_STEP * PAD_STEP;
}

void serial_write(const struct vault *v, uint8_t *p)
{
	unsigned version = serial_version(v);
	const struct entry *e;
	unsigned i;

	p = bytes_put_le(p, v->next_slot, 4);
	p = bytes_put_le(p, v->count, 4);
	p = bytes_put_le(p, lock_settings_size(version), 4);
	p = lock_settings_write(p, &v->lock_settings, version);
	p = images_write(v, p);
	for (i = 0; i < v->count; i++) {
		e = v->entry[i];
		p = bytes_put_le(p, serial_entry_size(e), 4);
		p = bytes_put_field(p, TAG_NAME, e->name, strlen(e->name));
		p = bytes_put_field(p, TAG_ORIGIN, e->origin, strlen(e->origin));
		p = bytes_put_field(p, TAG_VARIABLE, e->variable, strlen(e->variable));
		p = bytes_put_field(p, TAG_POLICY, e->policy, strlen(e->policy));
		p = bytes_put_number_field(p, TAG_CREATED, e->created);
		p = bytes_put_number_field(p, TAG_CHANGED, e->changed);
		p = bytes_put_number_field(p, TAG_USED, e->used);
		if (!e->source) {
			p = bytes_put_field(p, TAG_TOKEN, e->token, e->token_len);
			continue;
		}
		p = bytes_put_field(p, TAG_SOURCE, e->source->ref, strlen(e->source->ref));
		p = bytes_put_field(p, TAG_COMMAND, e->source->command, strlen(e->source->command));
		p = bytes_put_field(p, TAG_PICK, e->source->pick, strlen(e->source->pick));
	}
}

/* Copy a text of n bytes.  A NUL is refused too: it would hide what follows it. */
static bool serial_read_ascii(char *out, size_t max, const uint8_t *p, size_t n)
{
	if (n > max || !bytes_are_printable_ascii(p, n))
		return false;
	memcpy(out, p, n);
	return true;
}

static bool serial_read_source_text(char *out, size_t max, const uint8_t *p, size_t n)
{
	if (n == 0 || n > max || !bytes_have_no_control(p, n))
		return false;
	memcpy(out, p, n);
	return true;
}

/* Read one field into the entry, whose token then points into the plaintext. */
static bool serial_read_field(void *to, unsigned tag, const uint8_t *p, size_t n)
{
	struct entry_reading *r = to;
	struct entry *e = &r->e;

	switch ((enum tag)tag) {
	case TAG_NAME:
		return serial_read_ascii(e->name, NAME_MAX_LEN, p, n);
	case TAG_ORIGIN:
		return serial_read_ascii(e->origin, ORIGIN_MAX_LEN, p, n);
	case TAG_VARIABLE:
		return serial_read_ascii(e->variable, VARIABLE_MAX_LEN, p, n);
	case TAG_POLICY:
		return serial_read_ascii(e->policy, POLICY_MAX_LEN, p, n);
	case TAG_CREATED:
		return tagged_number_read(&e->created, p, n);
	case TAG_CHANGED:
		return tagged_number_read(&e->changed, p, n);
	case TAG_USED:
		return tagged_number_read(&e->used, p, n);
	case TAG_TOKEN:
		e->token = p;
		e->token_len = n;
		return true;
	case TAG_SOURCE:
		e->source = &r->source;
		return serial_read_source_text(r->source.ref, SOURCE_REF_MAX, p, n);
	case TAG_COMMAND:
		return serial_read_source_text(r->source.command, SOURCE_COMMAND_MAX, p, n);
	case TAG_PICK:
		return serial_read_source_text(r->source.pick, SOURCE_PICK_MAX, p, n);
	case TAG_END:
		break;
	}
	return false;
}

static int serial_read_fields(struct byte_reader *c, unsigned version, struct entry_reading *r,
			      struct failure *f)
{
	const struct tagged_fields rules = { "an entry", TAG_NAME,
					     version < VAULT_VERSION_SOURCE ? TAG_SOURCE : TAG_END,
					     serial_read_field };
	unsigned seen;

	if (tagged_fields_read(c, &rules, r, &seen, f) != 0)
		return -1;
	if (seen != TAGS_TOKEN && seen != TAGS_SOURCE)
		return vault_fail_damaged(f, "an entry lacks a field");
	if (entry_wrong(&r->e))
		return vault_fail_damaged(f, "an entry is not allowed");
	return 0;
}

/* Read one entry and append it; names must come in order, so none is there twice. */
static int serial_read_entry(struct vault *v, unsigned version, struct byte_reader *c,
			     struct failure *f)
{
	uint64_t n = byte_reader_take_le(c, 4);
	struct byte_reader fields = { NULL, (size_t)n, false };
	struct entry_reading next = { 0 };
	int r = -1;

	fields.p = byte_reader_take(c, (size_t)n);
	if (c->bad)
		return vault_fail_damaged(f, "an entry is cut off");
	if (serial_read_fields(&fields, version, &next, f))
		goto out;
	if (v->count > 0 && strcmp(v->entry[v->count - 1]->name, next.e.name) >= 0) {
		r = vault_fail_damaged(f, "the entries are not in order");
		goto out;
	}
	r = entry_list_append(v, &next.e, f);
out:
	sodium_memzero(&next, sizeof(next));
	return r;
}

/* Version 1 has none: the default stays. */
static int serial_read_lock_settings(struct vault *v, unsigned version, struct byte_reader *c,
				     struct failure *f)
{
	const uint8_t *p;
	uint64_t n;

	if (version == VAULT_VERSION_FIRST)
		return 0;
	n = byte_reader_take_le(c, 4);
	p = byte_reader_take(c, (size_t)n);
	if (c->bad)
		return vault_fail_damaged(f, "the settings are cut off");
	return lock_settings_read(p, (size_t)n, version, &v->lock_settings, f);
}

int serial_read(struct vault *v, unsigned version, const uint8_t *p, size_t n, struct failure *f)
{
	struct byte_reader c = { p, n, false };
	uint64_t count, i;

	v->next_slot = (uint32_t)byte_reader_take_le(&c, 4);
	count = byte_reader_take_le(&c, 4);
	if (c.bad || count > VAULT_ENTRIES_MAX)
		return vault_fail_damaged(f, "the number of entries is impossible");
	for (i = 0; i < v->slots; i++)
		if (v->slot[i].info.id >= v->next_slot)
			return vault_fail_damaged(f, "a slot's number is impossible");
	if (serial_read_lock_settings(v, version, &c, f) ||
	    (version >= VAULT_VERSION && images_read(v, &c, f)))
		return -1;
	for (i = 0; i < count; i++)
		if (serial_read_entry(v, version, &c, f))
			return -1;
	if (c.left >= PAD_STEP || !sodium_is_zero(c.p, c.left))
		return vault_fail_damaged(f, "the padding is not zero");
	return 0;
}
