/*
 * broker/ops_slots.c - requests about the slots of an open vault, its vault key, and
 * the keyfile that this broker unlocks it with at the start.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "broker/broker.h"
#include "broker/fields.h"
#include "broker/key_tries.h"
#include "broker/ops.h"
#include "broker/person.h"
#include "broker/request.h"
#include "broker/tenant_vault.h"
#include "vault/host_key.h"
#include "vault/keyfile.h"
#include "vault/limits.h"
#include "vault/slot.h"
#include "vault/slots.h"
#include "vault/undo.h"
#include "vault/vault.h"
#include "wire/pack.h"

/* A slot's name in the audit log. */
static const char *format_slot_number(uint32_t id, char out[24])
{
	snprintf(out, 24, "slot-%" PRIu32, id);
	return out;
}

/*
 * A client stores a slot's key elsewhere (a keyring, a TPM) under the slot's id before
 * the slot exists: so it says which id it expects.
 */
static int check_expected_slot(struct request *q, struct failure *f)
{
	uint32_t id;

	if (field_slot(q->map, "expect", &id, f) != 0)
		return -1;
	if (id != vault_next_slot(q->connection->tenant->vault))
		return fail_set(f, FAIL_CHANGED, "try again", "another slot was added meanwhile");
	return 0;
}

struct wire_out *op_slot_add(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	uint32_t next = vault_next_slot(t->vault), sealed = next;
	const uint8_t *key, *keyfile;
	struct slot_info slot;
	struct wire_out *o;
	char text[24];
	bool done;

	if (field_new_slot(q->map, &slot, f) != 0 || field_key(q->map, &key, f) != 0 ||
	    check_expected_slot(q, f) != 0 ||
	    field_keyfile(q->map, vault_id(t->vault), &keyfile, &sealed, f) != 0)
		return NULL;
	if (sealed != next) {
		keyfile_fail_other_slot(sealed, f);
		return NULL;
	}
	if (request_audit(q, "slot-add", format_slot_number(next, text), f) != 0 ||
	    request_write_keyfile(q, keyfile, f) != 0)
		return NULL;
	done = vault_slot_add(t->vault, &slot, key, f) == 0 && tenant_commit(t, f) == 0;
	request_finish_keyfile(q, keyfile, done);
	if (!done)
		return NULL;
	o = wire_ok();
	wire_put_uint(o, "id", slot.id);
	wire_put_uint(o, "generation", vault_generation(t->vault));
	wire_put_uint(o, "slots", vault_slots(t->vault));
	return o;
}

static bool vault_has_slot(const struct vault *v, uint32_t id)
{
	const struct slot_info *s;
	unsigned i;

	for (i = 0; (s = vault_slot(v, i)); i++)
		if (s->id == id)
			return true;
	return false;
}

/* Remove keyfiles whose slot is gone. */
static void remove_stale_keyfiles(struct tenant *t)
{
	static const char *const leaves[] = { STORE_KEYFILE, STORE_KEYFILE_NEXT };
	uint8_t file[KEYFILE_LEN];
	struct keyfile_info info;
	unsigned i;
	size_t n;

	for (i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		if (store_read_beside(&t->store, leaves[i], file, sizeof(file), &n, NULL) ==
			    STORE_READ_DONE &&
		    keyfile_inspect(file, n, &info, NULL) == 0 &&
		    memcmp(info.vault, vault_id(t->vault), VAULT_ID_LEN) == 0 &&
		    !vault_has_slot(t->vault, info.slot))
			store_remove_beside(&t->store, leaves[i], NULL);
}

/* After a change of the slots: it is taken back where no person's slot is left. */
static int keep_persons_slot(struct vault *v, struct failure *f)
{
	if (person_has_slot(v))
		return 0;
	vault_undo(v);
	return fail_set(f, FAIL_POLICY, "add another first: ccctl slot add passphrase, or recovery",
			"neither passphrase nor recovery code would be left: the keys could not be "
			"read or changed any more");
}

struct wire_out *op_slot_rm(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct wire_out *o;
	char text[24];
	uint32_t id;

	if (field_slot(q->map, "id", &id, f) != 0 ||
	    request_audit(q, "slot-rm", format_slot_number(id, text), f) != 0 ||
	    vault_slot_remove(t->vault, id, f) != 0 || keep_persons_slot(t->vault, f) != 0 ||
	    tenant_commit(t, f) != 0)
		return NULL;
	remove_stale_keyfiles(t);
	o = wire_ok();
	wire_put_uint(o, "generation", vault_generation(t->vault));
	wire_put_uint(o, "slots", vault_slots(t->vault));
	return o;
}

struct wire_out *op_slot_replace(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct slot_info slot;
	const uint8_t *key;
	struct wire_out *o;
	char text[24];
	uint32_t id;

	if (field_slot(q->map, "id", &id, f) != 0 || field_new_slot(q->map, &slot, f) != 0 ||
	    field_key(q->map, &key, f) != 0 || check_expected_slot(q, f) != 0 ||
	    request_audit(q, "slot-replace", format_slot_number(id, text), f) != 0 ||
	    vault_slot_replace(t->vault, id, &slot, key, f) != 0 ||
	    keep_persons_slot(t->vault, f) != 0 || tenant_commit(t, f) != 0)
		return NULL;
	remove_stale_keyfiles(t);
	o = wire_ok();
	wire_put_uint(o, "id", slot.id);
	wire_put_uint(o, "generation", vault_generation(t->vault));
	return o;
}

#define REKEY_ITEM (4 + KEY_LEN) /* a slot's id, little-endian, and its key */

/* "keys": id and key of each slot that stays.  Keys stay inside the packet. */
static int read_slot_keys(struct wire_map m, struct slot_key out[VAULT_SLOTS_MAX], unsigned *count,
			  struct failure *f)
{
	const uint8_t *p;
	size_t n;

	if (wire_get_bin(m, "keys", &p, &n, f) != 0)
		return -1;
	if (n == 0 || n % REKEY_ITEM != 0 || n / REKEY_ITEM > VAULT_SLOTS_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "keys of slots have %d bytes each",
				REKEY_ITEM);
	for (*count = 0; *count < n / REKEY_ITEM; ++*count, p += REKEY_ITEM) {
		out[*count].id = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
				 (uint32_t)p[3] << 24;
		out[*count].key = p + 4;
	}
	return 0;
}

/* "keyfile": of one of the slots that stay. */
static int read_rekey_keyfile(struct request *q, const struct slot_key *keep, unsigned n,
			      const uint8_t **keyfile, struct failure *f)
{
	uint32_t sealed;
	unsigned i;

	if (field_keyfile(q->map, vault_id(q->connection->tenant->vault), keyfile, &sealed, f) != 0)
		return -1;
	for (i = 0; *keyfile && i < n && keep[i].id != sealed; i++)
		;
	return *keyfile && i == n ? keyfile_fail_other_slot(sealed, f) : 0;
}

struct wire_out *op_rekey(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct slot_key keep[VAULT_SLOTS_MAX];
	const uint8_t *keyfile;
	struct wire_out *o;
	unsigned n = 0;

	if ((wire_has(q->map, "expect") && check_expected_slot(q, f) != 0) ||
	    read_slot_keys(q->map, keep, &n, f) != 0 ||
	    read_rekey_keyfile(q, keep, n, &keyfile, f) != 0 ||
	    request_audit(q, "rekey", NULL, f) != 0 || vault_rekey(t->vault, keep, n, f) != 0 ||
	    keep_persons_slot(t->vault, f) != 0)
		return NULL;
	if (request_write_keyfile(q, keyfile, f) != 0) {
		vault_undo(t->vault);
		return NULL;
	}
	if (tenant_commit(t, f) != 0) {
		request_finish_keyfile(q, keyfile, false);
		return NULL;
	}
	/* The vault has its new key now, whatever fails later.  Written once more, so that
	 * vault.prev has it too and the old key opens neither. */
	tenant_commit(t, NULL);
	request_finish_keyfile(q, keyfile, true);
	remove_stale_keyfiles(t);
	o = wire_ok();
	wire_put_uint(o, "generation", vault_generation(t->vault));
	wire_put_uint(o, "slots", vault_slots(t->vault));
	return o;
}

struct wire_out *op_host(struct request *q, struct failure *f)
{
	uint8_t public[HOST_PUBLIC_LEN];
	struct wire_out *o;

	if (auto_unlock_host_public(q->connection->tenant, public, f) != 0)
		return NULL;
	o = wire_ok();
	wire_put_bin(o, "public", public, sizeof(public));
	return o;
}

/* A keyfile that was sealed elsewhere: keep it if it opens the vault on this host. */
struct wire_out *op_keyfile(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	const uint8_t *p;
	size_t n;

	if (wire_get_bin(q->map, "keyfile", &p, &n, f) != 0 || key_tries_check(t, f) != 0)
		return NULL;
	if (auto_unlock_check_keyfile(t, p, n, f) != 0) {
		key_tries_note(t, f);
		return NULL;
	}
	if (request_audit(q, "keyfile", NULL, f) != 0 ||
	    store_write_beside(&t->store, STORE_KEYFILE, p, n, f) != 0)
		return NULL;
	return wire_ok();
}
