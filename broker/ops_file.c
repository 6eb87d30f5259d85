/*
 * broker/ops_file.c - the vault as a file: backup and restore, and the move between
 * a user broker and the system broker.
 *
 * Only ciphertext is sent, and only to a person: passphrases could be guessed with it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "broker/broker.h"
#include "broker/fields.h"
#include "broker/file_transfer.h"
#include "broker/ops.h"
#include "broker/person.h"
#include "broker/request.h"
#include "broker/tenant_lock.h"
#include "broker/tenant_vault.h"
#include "vault/entries.h"
#include "vault/inspect.h"
#include "vault/limits.h"
#include "vault/slot.h"
#include "vault/slots.h"
#include "vault/vault.h"
#include "wire/pack.h"

/* {size}: the bytes of the transfer so far. */
static struct wire_out *reply_transfer_size(struct connection *c)
{
	struct wire_out *o = wire_ok();

	wire_put_uint(o, "size", c->transfer.n);
	return o;
}

struct wire_out *op_backup(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	struct slot_info slot;
	const uint8_t *key;
	uint8_t *file;
	size_t n;

	if (field_new_slot(q->map, &slot, f) != 0 || field_key(q->map, &key, f) != 0)
		return NULL;
	/* Restored, it would have no other slot. */
	if (!slot_kind_is_persons(slot.kind)) {
		fail_set(f, FAIL_POLICY, NULL, "a backup is opened by a passphrase, not by a %s",
			 slot_kind_name(slot.kind));
		return NULL;
	}
	if (request_audit(q, "backup", NULL, f) != 0 ||
	    vault_backup(c->tenant->vault, &slot, key, &file, &n, f) != 0 ||
	    file_transfer_begin(c, file, n, true, f) != 0)
		return NULL;
	return reply_transfer_size(c);
}

/*
 * Is the file what the open vault was last written as?  Another program may have put an older copy
 * there, whose generation no key can make this one.
 */
static bool file_is_of_open(const struct tenant *t, const struct vault_public *pub)
{
	return !t->vault || (pub->generation == vault_generation(t->vault) &&
			     memcmp(pub->id, vault_id(t->vault), VAULT_ID_LEN) == 0);
}

/* Nobody is sent a file that opens nowhere, nor an older one than is open. */
static int check_exported(struct tenant *t, const uint8_t *file, size_t n, struct failure *f)
{
	struct vault_public *pub = malloc(sizeof(*pub));
	int r = pub ? vault_inspect(file, n, pub, f)
		    : fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a vault");

	if (r != 0)
		store_explain_failure(&t->store, f);
	else if (!file_is_of_open(t, pub))
		r = fail_set(f, FAIL_CHANGED, "ccctl lock, then ccctl unlock: that reads the file",
			     "%s is not the vault that is open", t->store.path);
	free(pub);
	return r;
}

struct wire_out *op_export(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	uint8_t *file;
	size_t n;

	if (request_audit(q, "export", NULL, f) != 0 ||
	    store_read(&c->tenant->store, &file, &n, f) != 0)
		return NULL;
	if (check_exported(c->tenant, file, n, f) != 0) {
		free(file);
		return NULL;
	}
	return file_transfer_begin(c, file, n, true, f) == 0 ? reply_transfer_size(c) : NULL;
}

struct wire_out *op_part(struct request *q, struct failure *f)
{
	struct file_transfer *s = &q->connection->transfer;
	struct wire_out *o;
	uint64_t at;
	size_t n;

	if (wire_get_uint(q->map, "at", &at, f) != 0)
		return NULL;
	if (!s->p || !s->out || at > s->n) {
		fail_set(f, FAIL_BAD_VALUE, NULL,
			 "no file was made on this connection, or it is shorter");
		return NULL;
	}
	n = s->n - (size_t)at < LIST_PAGE ? s->n - (size_t)at : LIST_PAGE;
	o = wire_ok();
	wire_put_uint(o, "size", s->n);
	wire_put_bin(o, "part", s->p + at, n);
	return o;
}

struct wire_out *op_stage(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	const uint8_t *p;
	uint64_t at;
	size_t n;

	if (wire_get_uint(q->map, "at", &at, f) != 0 ||
	    wire_get_bin(q->map, "part", &p, &n, f) != 0)
		return NULL;
	if (at == 0 && file_transfer_begin(c, NULL, 0, false, f) != 0)
		return NULL;
	if (!c->transfer.p || c->transfer.out || at != c->transfer.n) {
		fail_set(f, FAIL_BAD_VALUE, NULL, "the parts of a file come in order");
		return NULL;
	}
	return file_transfer_append(c, p, n, f) == 0 ? reply_transfer_size(c) : NULL;
}

/* Is there a vault that a person could open?  For a damaged file nobody can be shown. */
static bool replacing_wants_person(struct tenant *t)
{
	struct vault_public *pub = malloc(sizeof(*pub));
	struct failure why = { 0 };
	bool wanted = true;

	if (!t->vault && store_presence(&t->store) == STORE_ABSENT)
		wanted = false;
	else if (!t->vault && pub && tenant_inspect_vault(t, pub, &why) != 0)
		wanted = why.code != FAIL_DAMAGED && why.code != FAIL_TRUNCATED;
	free(pub);
	return wanted;
}

struct wire_out *op_restore(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	struct tenant_restore r = { .file = c->transfer.p, .n = c->transfer.n };
	struct wire_out *o;

	if (field_slot(q->map, "slot", &r.slot, f) != 0 || field_key(q->map, &r.key, f) != 0 ||
	    wire_get_bool(q->map, "replace", &r.replace, f) != 0 ||
	    wire_get_bool(q->map, "rekey", &r.rekey, f) != 0)
		return NULL;
	if (!c->transfer.p || c->transfer.out) {
		fail_set(f, FAIL_BAD_VALUE, NULL, "no file was sent");
		return NULL;
	}
	/* An open vault's file may have been removed for this. */
	if ((r.replace || store_presence(&c->tenant->store) == STORE_ABSENT) &&
	    replacing_wants_person(c->tenant) && person_require(q, f) != 0)
		return NULL;
	if (request_audit(q, "restore", NULL, f) != 0 || tenant_restore(c->tenant, &r, f) != 0)
		return NULL;
	file_transfer_drop(c);
	o = wire_ok();
	wire_put_uint(o, "generation", vault_generation(c->tenant->vault));
	wire_put_uint(o, "entries", vault_count(c->tenant->vault));
	wire_put_uint(o, "slots", vault_slots(c->tenant->vault));
	return o;
}

/*
 * The vault moved to another broker: remove it here.  Only in the generation that was
 * moved: a change since then would be lost.
 */
struct wire_out *op_retire(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct vault_public *pub = malloc(sizeof(*pub));
	uint64_t generation;
	int r = -1;

	if (!pub)
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a vault");
	else if (wire_get_uint(q->map, "generation", &generation, f) == 0 &&
		 request_audit(q, "retire", NULL, f) == 0 && tenant_inspect_vault(t, pub, f) == 0)
		r = pub->generation == generation && file_is_of_open(t, pub)
			    ? 0
			    : fail_set(f, FAIL_CHANGED, "move it again",
				       "the vault was changed meanwhile");
	free(pub);
	if (r != 0)
		return NULL;
	/* Else tenant_lock would write the file again. */
	t->use_times_changed = false;
	tenant_lock(t, LOCK_REASON_MOVED, q->connection->peer.pid);
	/*
	 * MUST: the vault last.  These have a key of the vault that is elsewhere now, and once there is
	 * none here nobody asks for that again.
	 */
	if (store_remove_beside(&t->store, STORE_KEYFILE_NEXT, f) != 0 ||
	    store_remove_beside(&t->store, STORE_KEYFILE, f) != 0 ||
	    store_remove(&t->store, f) != 0)
		return NULL;
	/* Behind it: with the vault there it would be missed.  Without it, it tells nothing. */
	store_remove_beside(&t->store, STORE_CHECKPOINT, NULL);
	return wire_ok();
}
