/*
 * vault/layout.c - every check of a vault's file that needs no key.  They come
 * before a passphrase is asked for, and what they read is not trusted.
 */
#include "vault/layout.h"

#include <inttypes.h>
#include <string.h>

#include "base/fail.h"
#include "vault/bytes.h"
#include "vault/crypto.h"
#include "vault/errors.h"

#define HINT_OTHER_FILE "point ccrun at its vault, or restore a backup"
/* Magic, version, flags, total length, checksum: no version is shorter. */
#define ENVELOPE_LEAST (TOTAL_AT + 8 + SUM_LEN)

/*
 * Check what every version has: the magic, the total length and the checksum.
 * The checksum comes before the version, so that a changed byte is reported as
 * damage and never as a newer format.
 */
static int layout_check_envelope(const uint8_t *file, size_t n, unsigned *known, struct failure *f)
{
	struct byte_reader c = { file, n, false };
	size_t magic = n < MAGIC_LEN ? n : MAGIC_LEN;
	uint8_t sum[SUM_LEN];
	uint64_t version, flags, total;

	if (n > VAULT_FILE_MAX)
		return fail_set(f, FAIL_TOO_LARGE, HINT_OTHER_FILE,
				"cannot read the vault: no vault is larger than %d KiB",
				VAULT_FILE_MAX / 1024);
	if (magic && memcmp(file, VAULT_MAGIC, magic) != 0)
		return fail_set(f, FAIL_DAMAGED, HINT_OTHER_FILE,
				"cannot read the vault: the file is not a ccrun vault");
	(void)byte_reader_take(&c, MAGIC_LEN);
	version = byte_reader_take_le(&c, 2);
	flags = byte_reader_take_le(&c, 2);
	total = byte_reader_take_le(&c, 8);
	if (c.bad)
		return fail_set(f, FAIL_TRUNCATED, NULL,
				"cannot read the vault: it is cut off after %zu bytes", n);
	if (n < total)
		return fail_set(f, FAIL_TRUNCATED, NULL,
				"cannot read the vault: it is cut off: %zu of %" PRIu64
				" bytes are there",
				n, total);
	if (n > total)
		return vault_fail_damaged(f, "there are bytes after its end");
	if (total < ENVELOPE_LEAST)
		return vault_fail_damaged(f, "its length is impossible");
	blake2b_256(sum, file, n - SUM_LEN, NULL, 0);
	if (memcmp(sum, file + n - SUM_LEN, SUM_LEN) != 0)
		return vault_fail_damaged(f, "the checksum does not match");
	if (version > VAULT_VERSION)
		return fail_set(f, FAIL_NEWER, HINT_NEWER,
				"cannot read the vault: format version %" PRIu64 " is not known",
				version);
	if (version < VAULT_VERSION_FIRST)
		return vault_fail_damaged(f, "format version 0 does not exist");
	if (flags != 0)
		return fail_set(f, FAIL_NEWER, HINT_NEWER,
				"cannot read the vault: format flags %" PRIu64 " are not known",
				flags);
	*known = (unsigned)version;
	return 0;
}

static int layout_parse_slots(struct byte_reader *c, struct vault_layout *out, struct failure *f)
{
	unsigned i, k;
	uint64_t slots;

	out->generation = byte_reader_take_le(c, 8);
	byte_reader_copy(c, out->id, VAULT_ID_LEN);
	slots = byte_reader_take_le(c, 2);
	if (c->bad)
		return vault_fail_damaged(f, "the header is cut off");
	if (slots == 0 || slots > VAULT_SLOTS_MAX)
		return vault_fail_damaged(f, "the number of slots is impossible");
	out->slots = (unsigned)slots;
	for (i = 0; i < out->slots; i++) {
		if (slot_parse(c, out->version, &out->slot[i], f))
			return -1;
		for (k = 0; k < i; k++)
			if (out->slot[k].info.id == out->slot[i].info.id)
				return vault_fail_damaged(f, "two slots have one number");
	}
	return 0;
}

int layout_parse(const uint8_t *file, size_t n, struct vault_layout *out, struct failure *f)
{
	struct byte_reader c;
	uint64_t box;
	unsigned i;

	memset(out, 0, sizeof(*out));
	if (layout_check_envelope(file, n, &out->version, f))
		return -1;
	c = (struct byte_reader){ file + TOTAL_AT + 8, n - TOTAL_AT - 8 - SUM_LEN, false };
	if (layout_parse_slots(&c, out, f))
		return -1;
	out->nonce_at = (size_t)(c.p - file);
	(void)byte_reader_take(&c, NONCE_LEN);
	box = byte_reader_take_le(&c, 8);
	if (c.bad || box != c.left || box < PAD_STEP + MAC_LEN || (box - MAC_LEN) % PAD_STEP != 0)
		return vault_fail_damaged(f, "the box has an impossible length");
	out->box_at = (size_t)(c.p - file);
	out->box_len = (size_t)box;
	for (i = 0; i < out->slots; i++)
		if (out->slot[i].info.kind == SLOT_PASSPHRASE &&
		    kdf_check(&out->slot[i].info.kdf, f))
			return -1;
	return 0;
}
