/*
 * client/slots/slots.c - the vault's slots as the broker lists them.
 */
#include "client/slots/slots.h"

#include <string.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/output.h"
#include "spec/spec.h"
#include "vault/slot.h"

static int slot_read(struct wire_map m, struct slot_view *s, struct failure *f)
{
	const uint8_t *salt;
	uint64_t id, alg;
	char kind[32];
	size_t n;
	int k;

	memset(s, 0, sizeof(*s));
	if (wire_get_uint(m, "id", &id, f) != 0 ||
	    wire_get_text(m, "kind", kind, sizeof(kind), f) != 0 ||
	    wire_get_text(m, "label", s->label, sizeof(s->label), f) != 0 ||
	    wire_get_uint(m, "created", &s->created, f) != 0)
		return -1;
	k = slot_kind_from_name(kind);
	if (id == 0 || id > UINT32_MAX || k < 0)
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"the broker's description of a slot is malformed");
	s->id = (uint32_t)id;
	s->kind = (enum slot_kind)k;
	if (s->kind != SLOT_PASSPHRASE)
		return 0;
	if (wire_get_uint(m, "alg", &alg, f) != 0 || wire_get_uint(m, "ops", &s->kdf.ops, f) != 0 ||
	    wire_get_uint(m, "mem", &s->kdf.mem, f) != 0 ||
	    wire_get_bin(m, "salt", &salt, &n, f) != 0)
		return -1;
	if (alg > UINT32_MAX || n != SALT_LEN)
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"the broker's description of a slot is malformed");
	s->kdf.alg = (uint32_t)alg;
	memcpy(s->kdf.salt, salt, SALT_LEN);
	return 0;
}

int slots_fetch(struct client *c, struct slots *s, struct failure *f)
{
	struct wire_map item, top;
	const uint8_t *id;
	uint64_t next = 0;
	unsigned i;
	size_t n;

	memset(s, 0, sizeof(*s));
	if (client_call(c, wire_request("slots"), f) != 0)
		return -1;
	top = c->dial.in.top;
	if (wire_get_uint(top, "generation", &s->generation, f) != 0 ||
	    wire_get_bin(top, "id", &id, &n, f) != 0 ||
	    (wire_has(top, "next") && wire_get_uint(top, "next", &next, f) != 0) ||
	    wire_get_array(top, "slots", &s->n, f) != 0)
		return -1;
	if (n != VAULT_ID_LEN || next > UINT32_MAX || s->n > VAULT_SLOTS_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"the broker's description of the vault is malformed");
	memcpy(s->vault, id, VAULT_ID_LEN);
	s->next = (uint32_t)next;
	for (i = 0; i < s->n; i++)
		if (wire_get_item(top, "slots", i, &item, f) != 0 ||
		    slot_read(item, &s->slot[i], f) != 0)
			return -1;
	return 0;
}

const struct slot_view *slots_find(const struct slots *s, uint32_t id)
{
	unsigned i;

	for (i = 0; i < s->n; i++)
		if (s->slot[i].id == id)
			return &s->slot[i];
	return NULL;
}

unsigned slots_count(const struct slots *s, enum slot_kind kind)
{
	unsigned i, n = 0;

	for (i = 0; i < s->n; i++)
		n += s->slot[i].kind == kind;
	return n;
}

int slot_material(struct client *c, uint32_t id, uint8_t *out, size_t *n, struct failure *f)
{
	struct wire_out *o = wire_request("slot");
	const uint8_t *p;
	size_t len;

	wire_put_uint(o, "id", id);
	if (client_call(c, o, f) != 0 || wire_get_bin(c->dial.in.top, "material", &p, &len, f) != 0)
		return -1;
	if (len > *n)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the data of slot %u is too long",
				(unsigned)id);
	memcpy(out, p, len);
	*n = len;
	return 0;
}

enum slot_kind slot_kind_of_option(int option)
{
	switch (option) {
	case OPTION_KEYRING:
		return SLOT_KEYRING;
	case OPTION_KEYFILE:
		return SLOT_KEYFILE;
	case OPTION_TPM2:
		return SLOT_TPM2;
	default:
		return SLOT_PASSPHRASE;
	}
}

void slots_warn_of_last(uint64_t n)
{
	if (n == 1)
		say("note: only one slot opens this vault, and its key can be lost; add another, "
		    "for example: ccctl slot add recovery");
}
