/*
 * vault/slot.c - the kinds of slots, and what a new slot may have.
 */
#include "vault/slot.h"

#include <string.h>

#include "base/fail.h"
#include "vault/bytes.h"

static const struct {
	enum slot_kind kind;
	const char *name;
} slot_kinds[] = {
	{ SLOT_PASSPHRASE, "passphrase" },
	{ SLOT_KEYRING, "keyring" },
	{ SLOT_KEYFILE, "keyfile" },
	{ SLOT_CREDENTIAL, "credential" },
	{ SLOT_TPM2, "tpm2" },
	{ SLOT_RECOVERY, "recovery" },
};

const char *slot_kind_name(enum slot_kind k)
{
	size_t i;

	for (i = 0; i < sizeof(slot_kinds) / sizeof(slot_kinds[0]); i++)
		if (slot_kinds[i].kind == k)
			return slot_kinds[i].name;
	return "unknown";
}

int slot_kind_from_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(slot_kinds) / sizeof(slot_kinds[0]); i++)
		if (strcmp(slot_kinds[i].name, name) == 0)
			return (int)slot_kinds[i].kind;
	return -1;
}

bool slot_kind_known(uint64_t kind)
{
	return kind >= SLOT_PASSPHRASE && kind <= SLOT_RECOVERY;
}

bool slot_kind_has_material(enum slot_kind kind)
{
	return kind == SLOT_KEYFILE || kind == SLOT_TPM2;
}

bool slot_kind_is_persons(enum slot_kind kind)
{
	return kind == SLOT_PASSPHRASE || kind == SLOT_RECOVERY;
}

int slot_fail_no_person(bool passphrase, bool recovery, struct failure *f)
{
	if (!passphrase && !recovery)
		return fail_set(f, FAIL_PERSON,
				"add the keys to a new vault: \"A vault without a person's slot\" "
				"in ccctl(1)",
				"neither passphrase nor recovery code opens this vault: its keys "
				"can be used, and neither read nor changed");
	return fail_set(f, FAIL_PERSON, "on a terminal it is asked for; else: --passphrase-fd N",
			"this wants the vault's %s, also while the vault is open",
			!recovery    ? "passphrase"
			: passphrase ? "passphrase or recovery code"
				     : "recovery code");
}

int slot_info_check(const struct slot_info *info, struct failure *f)
{
	size_t n = strnlen(info->label, sizeof(info->label));

	if (!slot_kind_known((uint64_t)info->kind))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "cannot add a slot: kind %d is unknown",
				(int)info->kind);
	if (n > SLOT_LABEL_MAX || !bytes_are_printable_ascii(info->label, n))
		return fail_set(
			f, FAIL_BAD_VALUE, NULL,
			"cannot add a slot: a label is at most %d printable ASCII characters",
			SLOT_LABEL_MAX);
	if (info->material_len > SLOT_MATERIAL_MAX ||
	    (info->material_len > 0 && !slot_kind_has_material(info->kind)))
		return fail_set(
			f, FAIL_BAD_VALUE, NULL,
			"cannot add a slot: its material is too long, or its kind has none");
	if (info->kind == SLOT_PASSPHRASE)
		return kdf_check(&info->kdf, f);
	return 0;
}
