/*
 * broker/fields.c - fields that several requests have.
 */
#include "broker/fields.h"

#include <string.h>
#include <time.h>

#include "base/fail.h"
#include "vault/kdf.h"
#include "vault/keyfile.h"
#include "vault/limits.h"
#include "vault/slot.h"
#include "wire/names.h"

int field_name(struct wire_map m, const char *key, char *out, struct failure *f)
{
	if (wire_get_text(m, key, out, NAME_MAX_LEN + 1, f) != 0)
		return -1;
	if (!wire_name_ok(out))
		return fail_set(f, FAIL_BAD_VALUE, "letters, digits, '.', '_' and '-', 64 at most",
				"'%s' cannot be a name", out);
	return 0;
}

int field_key(struct wire_map m, const uint8_t **key, struct failure *f)
{
	size_t n;

	if (wire_get_bin(m, "key", key, &n, f) != 0)
		return -1;
	if (n != KEY_LEN)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a key has %d bytes", KEY_LEN);
	return 0;
}

int field_slot(struct wire_map m, const char *key, uint32_t *id, struct failure *f)
{
	uint64_t n;

	if (wire_get_uint(m, key, &n, f) != 0)
		return -1;
	if (n > UINT32_MAX)
		return fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows them", "no such slot");
	*id = (uint32_t)n;
	return 0;
}

static int read_kdf_fields(struct wire_map slot, struct slot_info *s, struct failure *f)
{
	const uint8_t *salt;
	uint64_t alg;
	size_t n;

	if (wire_get_uint(slot, "alg", &alg, f) != 0 ||
	    wire_get_uint(slot, "ops", &s->kdf.ops, f) != 0 ||
	    wire_get_uint(slot, "mem", &s->kdf.mem, f) != 0 ||
	    wire_get_bin(slot, "salt", &salt, &n, f) != 0)
		return -1;
	if (n != SALT_LEN || alg > UINT32_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a salt has %d bytes", SALT_LEN);
	s->kdf.alg = (uint32_t)alg;
	memcpy(s->kdf.salt, salt, n);
	return kdf_check(&s->kdf, f);
}

int field_new_slot(struct wire_map m, struct slot_info *s, struct failure *f)
{
	const uint8_t *material;
	struct wire_map slot;
	char kind[32];
	int k;

	memset(s, 0, sizeof(*s));
	if (wire_get_item(m, "slot", 0, &slot, f) != 0 ||
	    wire_get_text(slot, "kind", kind, sizeof(kind), f) != 0 ||
	    wire_get_text(slot, "label", s->label, sizeof(s->label), f) != 0)
		return -1;
	k = slot_kind_from_name(kind);
	if (k < 0)
		return fail_set(f, FAIL_BAD_VALUE,
				"passphrase, keyring, keyfile, credential, tpm2 or recovery",
				"slot kind '%s' is unknown", kind);
	s->kind = (enum slot_kind)k;
	s->created = (uint64_t)time(NULL);
	if (wire_has(slot, "material")) {
		if (wire_get_bin(slot, "material", &material, &s->material_len, f) != 0)
			return -1;
		if (s->material_len > SLOT_MATERIAL_MAX)
			return fail_set(f, FAIL_TOO_LARGE, NULL, "a slot keeps %d bytes at most",
					SLOT_MATERIAL_MAX);
		memcpy(s->material, material, s->material_len);
	}
	return s->kind == SLOT_PASSPHRASE ? read_kdf_fields(slot, s, f) : 0;
}

int field_keyfile(struct wire_map m, const uint8_t *vault, const uint8_t **p, uint32_t *slot,
		  struct failure *f)
{
	struct keyfile_info info;
	size_t n;

	*p = NULL;
	if (!wire_has(m, "keyfile"))
		return 0;
	if (wire_get_bin(m, "keyfile", p, &n, f) != 0 || keyfile_inspect(*p, n, &info, f) != 0)
		return -1;
	if (!vault || memcmp(info.vault, vault, VAULT_ID_LEN) != 0)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the keyfile is another vault's");
	*slot = info.slot;
	return 0;
}

int keyfile_fail_other_slot(uint32_t slot, struct failure *f)
{
	return fail_set(f, FAIL_BAD_VALUE, NULL, "the keyfile has the key of another slot (%u)",
			(unsigned)slot);
}
