/*
 * vault/slot_format.c - writing a slot, and reading one from a file that is not
 * trusted.
 */
#include "vault/slot_format.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "vault/bytes.h"
#include "vault/errors.h"

size_t slot_size(const struct slot *s)
{
	return SLOT_HEAD_LEN + strlen(s->info.label) +
	       (s->info.kind == SLOT_PASSPHRASE ? KDF_LEN : 0) + s->info.material_len + NONCE_LEN +
	       WRAPPED_LEN;
}

uint8_t *slot_write(uint8_t *p, const struct slot *s)
{
	const struct slot_info *i = &s->info;
	size_t label = strlen(i->label);

	p = bytes_put_le(p, (uint64_t)i->kind, 2);
	p = bytes_put_le(p, slot_size(s) - SLOT_HEAD_LEN - label, 2);
	p = bytes_put_le(p, i->id, 4);
	p = bytes_put_le(p, i->created, 8);
	p = bytes_put_le(p, label, 1);
	p = bytes_put(p, i->label, label);
	if (i->kind == SLOT_PASSPHRASE) {
		p = bytes_put_le(p, i->kdf.alg, 4);
		p = bytes_put_le(p, i->kdf.ops, 8);
		p = bytes_put_le(p, i->kdf.mem, 8);
		p = bytes_put(p, i->kdf.salt, SALT_LEN);
	}
	p = bytes_put(p, i->material, i->material_len);
	p = bytes_put(p, s->nonce, NONCE_LEN);
	return bytes_put(p, s->wrapped, WRAPPED_LEN);
}

/* May the slot's body have this length?  *more: how much of it is material. */
static bool slot_body_fits(unsigned version, const struct slot_info *i, uint64_t body,
			   uint64_t *more)
{
	uint64_t least = NONCE_LEN + WRAPPED_LEN + (i->kind == SLOT_PASSPHRASE ? KDF_LEN : 0);

	*more = body - least;
	if (body == least)
		return true;
	return body > least && version > VAULT_VERSION_FIRST && slot_kind_has_material(i->kind) &&
	       *more <= SLOT_MATERIAL_MAX;
}

int slot_parse(struct byte_reader *c, unsigned version, struct slot *s, struct failure *f)
{
	uint64_t kind = byte_reader_take_le(c, 2), body = byte_reader_take_le(c, 2), label, more;
	const uint8_t *text;

	s->info.id = (uint32_t)byte_reader_take_le(c, 4);
	s->info.created = byte_reader_take_le(c, 8);
	label = byte_reader_take_le(c, 1);
	text = byte_reader_take(c, (size_t)label);
	if (c->bad)
		return vault_fail_damaged(f, "a slot is cut off");
	if (label > SLOT_LABEL_MAX || !bytes_are_printable_ascii(text, (size_t)label))
		return vault_fail_damaged(f, "a slot's label is not allowed");
	if (s->info.id == 0)
		return vault_fail_damaged(f, "a slot has number 0");
	memcpy(s->info.label, text, (size_t)label);
	if (!slot_kind_known(kind))
		return fail_set(f, FAIL_NEWER, HINT_NEWER,
				"cannot read the vault: slot kind %" PRIu64 " is not known", kind);
	s->info.kind = (enum slot_kind)kind;
	if (!slot_body_fits(version, &s->info, body, &more))
		return vault_fail_damaged(f, "a slot has an impossible length");
	if (s->info.kind == SLOT_PASSPHRASE) {
		s->info.kdf.alg = (uint32_t)byte_reader_take_le(c, 4);
		s->info.kdf.ops = byte_reader_take_le(c, 8);
		s->info.kdf.mem = byte_reader_take_le(c, 8);
		byte_reader_copy(c, s->info.kdf.salt, SALT_LEN);
	}
	s->info.material_len = (size_t)more;
	byte_reader_copy(c, s->info.material, (size_t)more);
	byte_reader_copy(c, s->nonce, NONCE_LEN);
	byte_reader_copy(c, s->wrapped, WRAPPED_LEN);
	if (c->bad)
		return vault_fail_damaged(f, "a slot is cut off");
	return 0;
}
