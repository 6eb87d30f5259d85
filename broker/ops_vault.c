/*
 * broker/ops_vault.c - make and unlock the vault, and its settings of when it locks by
 * itself.
 */
#include "base/fail.h"
#include "broker/broker.h"
#include "broker/fields.h"
#include "broker/key_tries.h"
#include "broker/ops.h"
#include "broker/person.h"
#include "broker/request.h"
#include "broker/tenant_vault.h"
#include "vault/entries.h"
#include "vault/limits.h"
#include "vault/lock_settings.h"
#include "vault/slot.h"
#include "vault/slots.h"
#include "vault/vault.h"
#include "wire/pack.h"

struct wire_out *op_init(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct slot_info slot;
	const uint8_t *key;
	struct wire_out *o;

	if (field_new_slot(q->map, &slot, f) != 0 || field_key(q->map, &key, f) != 0)
		return NULL;
	if (!slot_kind_is_persons(slot.kind)) {
		fail_set(f, FAIL_POLICY, "begin with a passphrase, and add the other slot to it",
			 "a vault that only a %s opens could be used, and neither read nor changed",
			 slot_kind_name(slot.kind));
		return NULL;
	}
	if (request_audit(q, "init", NULL, f) != 0 || tenant_create_vault(t, &slot, key, f) != 0)
		return NULL;
	o = wire_ok();
	wire_put_uint(o, "generation", vault_generation(t->vault));
	wire_put_str(o, "vault", t->store.path);
	return o;
}

struct wire_out *op_unlock(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	const uint8_t *key;
	struct wire_out *o;
	uint32_t slot;

	if (field_slot(q->map, "slot", &slot, f) != 0 || field_key(q->map, &key, f) != 0 ||
	    key_tries_check(t, f) != 0 || request_audit(q, "unlock", NULL, f) != 0)
		return NULL;
	if (tenant_unlock(t, slot, key, q->person, f) != 0) {
		key_tries_note(t, f);
		return NULL;
	}
	o = wire_ok();
	wire_put_uint(o, "entries", vault_count(t->vault));
	wire_put_uint(o, "slots", vault_slots(t->vault));
	return o;
}

/* Unlock with what the broker itself has: a credential or the keyfile. */
struct wire_out *op_reopen(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	enum slot_kind kind = SLOT_KEYFILE;
	struct wire_out *o;
	enum auto_unlock_result r;

	if (request_audit(q, "reopen", NULL, f) != 0)
		return NULL;
	if (!t->vault && store_presence(&t->store) == STORE_ABSENT) {
		fail_set(f, FAIL_NO_VAULT, "ccctl init makes one", "there is no vault yet");
		return NULL;
	}
	r = auto_unlock_try(t, &kind, f);
	/* On the wire no-entry says that there is nothing to try.  A key whose slot is gone
	 * is a wrong key. */
	if (r == AUTO_UNLOCK_FAILED && f->code == FAIL_NO_ENTRY)
		f->code = FAIL_WRONG_KEY;
	if (r == AUTO_UNLOCK_NOTHING)
		fail_set(f, FAIL_NO_ENTRY, "ccctl slot add keyfile, or ccctl host use FILE",
			 "there is no keyfile beside the vault and no credential");
	if (r != AUTO_UNLOCK_OPENED)
		return NULL;
	t->opened_unattended = true;
	o = wire_ok();
	wire_put_uint(o, "entries", vault_count(t->vault));
	wire_put_uint(o, "slots", vault_slots(t->vault));
	wire_put_str(o, "kind", slot_kind_name(kind));
	return o;
}

struct wire_out *op_settings(struct request *q, struct failure *f)
{
	struct lock_settings s = vault_lock_settings(q->connection->tenant->vault);
	struct wire_out *o = wire_ok();

	(void)f;
	wire_put_uint(o, "idle", s.idle);
	wire_put_uint(o, "longest", s.longest);
	wire_put_bool(o, "suspend", s.events & LOCK_SUSPEND);
	wire_put_bool(o, "screen", s.events & LOCK_SCREEN);
	wire_put_bool(o, "logout", s.events & LOCK_LOGOUT);
	wire_put_bool(o, "durable", s.durable);
	return o;
}

static int read_event_setting(struct wire_map m, const char *key, unsigned bit, unsigned *events,
			      struct failure *f)
{
	bool on;

	if (!wire_has(m, key))
		return 0;
	if (wire_get_bool(m, key, &on, f) != 0)
		return -1;
	*events = on ? *events | bit : *events & ~bit;
	return 0;
}

/* Change the settings that the request names; loosening them wants a person. */
struct wire_out *op_set(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct vault *v = t->vault;
	struct wire_out *o;
	struct lock_settings now = vault_lock_settings(v), s = now;

	if ((wire_has(q->map, "idle") && wire_get_uint(q->map, "idle", &s.idle, f) != 0) ||
	    (wire_has(q->map, "longest") && wire_get_uint(q->map, "longest", &s.longest, f) != 0) ||
	    read_event_setting(q->map, "suspend", LOCK_SUSPEND, &s.events, f) != 0 ||
	    read_event_setting(q->map, "screen", LOCK_SCREEN, &s.events, f) != 0 ||
	    read_event_setting(q->map, "logout", LOCK_LOGOUT, &s.events, f) != 0 ||
	    (wire_has(q->map, "durable") && wire_get_bool(q->map, "durable", &s.durable, f) != 0) ||
	    (lock_settings_loosen(&now, &s) && person_require(q, f) != 0) ||
	    request_audit(q, "set", NULL, f) != 0 || vault_lock_settings_set(v, &s, f) != 0)
		return NULL;
	o = request_commit(q, f);
	if (o)
		t->audit.durable = s.durable;
	return o;
}
