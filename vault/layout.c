/*
 * vault/layout.c - the vault's bytes without a key: the envelope, the
 * slots, and every check that comes before a passphrase is asked for.
 */
#include "vault/crypto.h"
#include "vault/vault_private.h"

#include <inttypes.h>

#include <sodium.h>

#include "base/fail.h"

#define OTHER_FILE "point ccrun at its vault, or restore a backup"
#define UPDATE "it was written by a newer ccrun: update this one"
/* Magic, version, flags, total length, checksum: no version is shorter. */
#define ENVELOPE_LEAST (TOTAL_AT + 8 + SUM_LEN)

static const struct {
	enum slot_kind kind;
	const char *name;
} kinds[] = {
	{ SLOT_PASSPHRASE, "passphrase" }, { SLOT_KEYRING, "keyring" },
	{ SLOT_KEYFILE, "keyfile" },	   { SLOT_CREDENTIAL, "credential" },
	{ SLOT_TPM2, "tpm2" },		   { SLOT_RECOVERY, "recovery" },
};

const char *slot_kind_name(enum slot_kind k)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == k)
			return kinds[i].name;
	return "unknown";
}

int slot_kind_from_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return (int)kinds[i].kind;
	return -1;
}

static bool kind_known(uint64_t kind)
{
	return kind >= SLOT_PASSPHRASE && kind <= SLOT_RECOVERY;
}

static bool kind_has_material(enum slot_kind kind)
{
	return kind == SLOT_KEYFILE || kind == SLOT_TPM2;
}

bool text_ok(const void *p, size_t n)
{
	const uint8_t *s = p;
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return true;
}

bool words_ok(const void *p, size_t n)
{
	const uint8_t *s = p;
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return true;
}

static int damaged(struct failure *f, const char *why)
{
	return fail_set(f, FAIL_DAMAGED, NULL, "cannot read the vault: it is damaged: %s", why);
}

int slot_info_check(const struct slot_info *info, struct failure *f)
{
	size_t n = strnlen(info->label, sizeof(info->label));

	if (!kind_known((uint64_t)info->kind))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "cannot add a slot: kind %d is unknown",
				(int)info->kind);
	if (n > SLOT_LABEL_MAX || !text_ok(info->label, n))
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"cannot add a slot: a label is at most %d printable ASCII characters",
				SLOT_LABEL_MAX);
	if (info->material_len > SLOT_MATERIAL_MAX ||
	    (info->material_len > 0 && !kind_has_material(info->kind)))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "cannot add a slot: it keeps too much");
	if (info->kind == SLOT_PASSPHRASE)
		return kdf_check(&info->kdf, f);
	return 0;
}

size_t slot_size(const struct slot *s)
{
	return SLOT_HEAD_LEN + strlen(s->info.label) +
	       (s->info.kind == SLOT_PASSPHRASE ? KDF_LEN : 0) + s->info.material_len +
	       NONCE_LEN + WRAPPED_LEN;
}

uint8_t *slot_write(uint8_t *p, const struct slot *s)
{
	const struct slot_info *i = &s->info;
	size_t label = strlen(i->label);

	p = put_n(p, (uint64_t)i->kind, 2);
	p = put_n(p, slot_size(s) - SLOT_HEAD_LEN - label, 2);
	p = put_n(p, i->id, 4);
	p = put_n(p, i->created, 8);
	p = put_n(p, label, 1);
	p = put_bytes(p, i->label, label);
	if (i->kind == SLOT_PASSPHRASE) {
		p = put_n(p, i->kdf.alg, 4);
		p = put_n(p, i->kdf.ops, 8);
		p = put_n(p, i->kdf.mem, 8);
		p = put_bytes(p, i->kdf.salt, SALT_LEN);
	}
	p = put_bytes(p, i->material, i->material_len);
	p = put_bytes(p, s->nonce, NONCE_LEN);
	return put_bytes(p, s->wrapped, WRAPPED_LEN);
}

/*
 * What holds for every version: magic first, the total length at its place,
 * the checksum last.  So a changed byte is damage, and never looks newer.
 */
static int check_envelope(const uint8_t *file, size_t n, unsigned *known, struct failure *f)
{
	struct cursor c = { file, n, false };
	size_t magic = n < MAGIC_LEN ? n : MAGIC_LEN;
	uint8_t sum[SUM_LEN];
	uint64_t version, flags, total;

	if (n > VAULT_FILE_MAX)
		return fail_set(f, FAIL_TOO_LARGE, OTHER_FILE,
				"cannot read the vault: more than %d KiB is none", VAULT_FILE_MAX / 1024);
	if (magic && memcmp(file, VAULT_MAGIC, magic) != 0)
		return fail_set(f, FAIL_DAMAGED, OTHER_FILE,
				"cannot read the vault: the file is not a ccrun vault");
	(void)take(&c, MAGIC_LEN);
	version = take_n(&c, 2);
	flags = take_n(&c, 2);
	total = take_n(&c, 8);
	if (c.bad)
		return fail_set(f, FAIL_TRUNCATED, NULL,
				"cannot read the vault: it is cut off after %zu bytes", n);
	if (n < total)
		return fail_set(f, FAIL_TRUNCATED, NULL,
				"cannot read the vault: it is cut off: %zu of %" PRIu64 " bytes are there",
				n, total);
	if (n > total)
		return damaged(f, "there are bytes after its end");
	if (total < ENVELOPE_LEAST)
		return damaged(f, "its length is impossible");
	blake2b_256(sum, file, n - SUM_LEN, NULL, 0);
	if (memcmp(sum, file + n - SUM_LEN, SUM_LEN) != 0)
		return damaged(f, "the checksum does not match");
	if (version > VAULT_VERSION)
		return fail_set(f, FAIL_NEWER, UPDATE,
				"cannot read the vault: format version %" PRIu64 " is not known", version);
	if (version < VAULT_VERSION_FIRST)
		return damaged(f, "format version 0 does not exist");
	if (flags != 0)
		return fail_set(f, FAIL_NEWER, UPDATE,
				"cannot read the vault: format flags %" PRIu64 " are not known", flags);
	*known = (unsigned)version;
	return 0;
}

/* The lengths that a slot's body may have: *more is what it keeps in the open. */
static bool body_fits(unsigned version, const struct slot_info *i, uint64_t body, uint64_t *more)
{
	uint64_t least = NONCE_LEN + WRAPPED_LEN + (i->kind == SLOT_PASSPHRASE ? KDF_LEN : 0);

	*more = body - least;
	if (body == least)
		return true;
	return body > least && version > VAULT_VERSION_FIRST && kind_has_material(i->kind) &&
	       *more <= SLOT_MATERIAL_MAX;
}

static int parse_slot(struct cursor *c, unsigned version, struct slot *s, struct failure *f)
{
	uint64_t kind = take_n(c, 2), body = take_n(c, 2), label, more;
	const uint8_t *text;

	s->info.id = (uint32_t)take_n(c, 4);
	s->info.created = take_n(c, 8);
	label = take_n(c, 1);
	text = take(c, (size_t)label);
	if (c->bad)
		return damaged(f, "a slot is cut off");
	if (label > SLOT_LABEL_MAX || !text_ok(text, (size_t)label))
		return damaged(f, "a slot's label is not allowed");
	if (s->info.id == 0)
		return damaged(f, "a slot has number 0");
	memcpy(s->info.label, text, (size_t)label);
	if (!kind_known(kind))
		return fail_set(f, FAIL_NEWER, UPDATE,
				"cannot read the vault: slot kind %" PRIu64 " is not known", kind);
	s->info.kind = (enum slot_kind)kind;
	if (!body_fits(version, &s->info, body, &more))
		return damaged(f, "a slot has an impossible length");
	if (s->info.kind == SLOT_PASSPHRASE) {
		s->info.kdf.alg = (uint32_t)take_n(c, 4);
		s->info.kdf.ops = take_n(c, 8);
		s->info.kdf.mem = take_n(c, 8);
		take_into(c, s->info.kdf.salt, SALT_LEN);
	}
	s->info.material_len = (size_t)more;
	take_into(c, s->info.material, (size_t)more);
	take_into(c, s->nonce, NONCE_LEN);
	take_into(c, s->wrapped, WRAPPED_LEN);
	if (c->bad)
		return damaged(f, "a slot is cut off");
	return 0;
}

static int parse_slots(struct cursor *c, struct vault_layout *out, struct failure *f)
{
	unsigned i, k;
	uint64_t slots;

	out->generation = take_n(c, 8);
	take_into(c, out->id, VAULT_ID_LEN);
	slots = take_n(c, 2);
	if (c->bad)
		return damaged(f, "the header is cut off");
	if (slots == 0 || slots > VAULT_SLOTS_MAX)
		return damaged(f, "the number of slots is impossible");
	out->slots = (unsigned)slots;
	for (i = 0; i < out->slots; i++) {
		if (parse_slot(c, out->version, &out->slot[i], f))
			return -1;
		for (k = 0; k < i; k++)
			if (out->slot[k].info.id == out->slot[i].info.id)
				return damaged(f, "two slots have one number");
	}
	return 0;
}

int vault_parse(const uint8_t *file, size_t n, struct vault_layout *out, struct failure *f)
{
	struct cursor c;
	uint64_t box;
	unsigned i;

	memset(out, 0, sizeof(*out));
	if (check_envelope(file, n, &out->version, f))
		return -1;
	c = (struct cursor){ file + TOTAL_AT + 8, n - TOTAL_AT - 8 - SUM_LEN, false };
	if (parse_slots(&c, out, f))
		return -1;
	out->nonce_at = (size_t)(c.p - file);
	(void)take(&c, NONCE_LEN);
	box = take_n(&c, 8);
	if (c.bad || box != c.left || box < PAD_STEP + MAC_LEN || (box - MAC_LEN) % PAD_STEP != 0)
		return damaged(f, "the box has an impossible length");
	out->box_at = (size_t)(c.p - file);
	out->box_len = (size_t)box;
	for (i = 0; i < out->slots; i++)
		if (out->slot[i].info.kind == SLOT_PASSPHRASE &&
		    kdf_check(&out->slot[i].info.kdf, f))
			return -1;
	return 0;
}

int vault_inspect(const uint8_t *file, size_t n, struct vault_public *out, struct failure *f)
{
	/* Too large for the stack; one thread. */
	static struct vault_layout layout;
	unsigned i;

	memset(out, 0, sizeof(*out));
	if (vault_parse(file, n, &layout, f))
		return -1;
	out->generation = layout.generation;
	memcpy(out->id, layout.id, VAULT_ID_LEN);
	out->slots = layout.slots;
	for (i = 0; i < layout.slots; i++)
		out->slot[i] = layout.slot[i].info;
	return 0;
}
