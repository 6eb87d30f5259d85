/*
 * broker/ops_vault.c - requests about the vault and its entries.
 *
 * A change is answered only when it is on the disk; a release only when it is
 * on record.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fail.h"
#include "broker/broker.h"
#include "broker/dispatch.h"
#include "broker/policy.h"
#include "wire/policy.h"

static int name_field(struct wire_map m, const char *key, char out[NAME_MAX_LEN + 1],
		      struct failure *f)
{
	if (wire_text(m, key, out, NAME_MAX_LEN + 1, f) != 0)
		return -1;
	if (!wire_name_ok(out))
		return fail_set(f, FAIL_BAD_VALUE, "letters, digits, '.', '_' and '-', 64 at most",
				"'%s' cannot be a name", out);
	return 0;
}

static int key_field(struct wire_map m, const uint8_t **key, struct failure *f)
{
	size_t n;

	if (wire_get_bin(m, "key", key, &n, f) != 0)
		return -1;
	if (n != KEY_LEN)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a key has %d bytes", KEY_LEN);
	return 0;
}

/*
 * Put an event of this connection on record before it happens.  What may still
 * fail (a key that does not open) is "asked"; a refusal gets a line of its own.
 */
static int record(struct request *q, const char *event, const char *name, struct failure *f)
{
	struct record_event e = { .event = event, .entries = name, .pid = q->connection->peer.pid };

	e.result = strcmp(event, "unlock") == 0 || strcmp(event, "init") == 0 ? "asked" : "granted";

	return record_write(&q->connection->tenant->record, &e, f);
}

static int slot_field(struct wire_map m, struct slot_info *s, struct failure *f)
{
	struct wire_map slot;
	const uint8_t *salt;
	char kind[32];
	uint64_t alg;
	size_t n;

	memset(s, 0, sizeof(*s));
	if (wire_get_item(m, "slot", 0, &slot, f) != 0 ||
	    wire_text(slot, "kind", kind, sizeof(kind), f) != 0 ||
	    wire_text(slot, "label", s->label, sizeof(s->label), f) != 0)
		return -1;
	if (slot_kind_from_name(kind) != SLOT_PASSPHRASE)
		return fail_set(f, FAIL_BAD_VALUE, "passphrase", "slot kind '%s' is not supported", kind);
	s->kind = SLOT_PASSPHRASE;
	if (wire_get_uint(slot, "alg", &alg, f) != 0 ||
	    wire_get_uint(slot, "ops", &s->kdf.ops, f) != 0 ||
	    wire_get_uint(slot, "mem", &s->kdf.mem, f) != 0 ||
	    wire_get_bin(slot, "salt", &salt, &n, f) != 0)
		return -1;
	if (n != SALT_LEN || alg > UINT32_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a salt has %d bytes", SALT_LEN);
	s->kdf.alg = (uint32_t)alg;
	memcpy(s->kdf.salt, salt, n);
	s->created = (uint64_t)time(NULL);
	return kdf_check(&s->kdf, f);
}

struct wire_out *op_init(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct slot_info slot;
	const uint8_t *key;
	struct wire_out *o;

	if (slot_field(q->map, &slot, f) != 0 || key_field(q->map, &key, f) != 0 ||
	    record(q, "init", NULL, f) != 0 || tenant_init(t, &slot, key, f) != 0)
		return NULL;
	o = wire_ok(2);
	wire_uint(o, "generation", vault_generation(t->vault));
	wire_str(o, "vault", t->store.path);
	return o;
}

struct wire_out *op_unlock(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	const uint8_t *key;
	struct wire_out *o;
	uint64_t slot;

	if (wire_get_uint(q->map, "slot", &slot, f) != 0 || key_field(q->map, &key, f) != 0)
		return NULL;
	if (slot > UINT32_MAX) {
		fail_set(f, FAIL_NO_ENTRY, NULL, "no such slot");
		return NULL;
	}
	if (record(q, "unlock", NULL, f) != 0 || tenant_unlock(t, (uint32_t)slot, key, f) != 0)
		return NULL;
	o = wire_ok(1);
	wire_uint(o, "entries", vault_count(t->vault));
	return o;
}

struct wire_out *op_lock(struct request *q, struct failure *f)
{
	/* A lock is never kept from happening, not even by a full disk. */
	record(q, "lock", NULL, f);
	tenant_lock(q->connection->tenant);
	return wire_ok(0);
}

/* name, origin, variable, policy: what put and approve seal. */
static int sealed_fields(struct wire_map m, struct entry *e, struct failure *f)
{
	struct policy p;

	if (name_field(m, "name", e->name, f) != 0 ||
	    wire_text(m, "origin", e->origin, sizeof(e->origin), f) != 0 ||
	    wire_text(m, "variable", e->variable, sizeof(e->variable), f) != 0 ||
	    wire_text(m, "policy", e->policy, sizeof(e->policy), f) != 0)
		return -1;
	if (e->origin[0] == '\0')
		return fail_set(f, FAIL_BAD_VALUE, NULL, "an entry needs an origin");
	if (!wire_variable_ok(e->variable))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "'%s' cannot be a variable", e->variable);
	if (policy_check_entry(e, f) != 0 || policy_parse(&p, e->policy, f) != 0)
		return -1;
	policy_format(&p, e->policy, sizeof(e->policy));
	return 0;
}

static struct wire_out *committed(struct tenant *t, struct failure *f)
{
	struct wire_out *o;

	if (tenant_commit(t, f) != 0)
		return NULL;
	o = wire_ok(1);
	wire_uint(o, "generation", vault_generation(t->vault));
	return o;
}

struct wire_out *op_put(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct entry e = { .created = (uint64_t)time(NULL) };
	bool replace = false;

	e.changed = e.created;
	if (sealed_fields(q->map, &e, f) != 0 ||
	    wire_get_bool(q->map, "replace", &replace, f) != 0 ||
	    wire_get_bin(q->map, "token", &e.token, &e.token_len, f) != 0 ||
	    wire_token_check(e.token, e.token_len, f) != 0)
		return NULL;
	if (vault_find(t->vault, e.name) && !replace) {
		fail_set(f, FAIL_EXISTS, NULL, "'%s' has a key already", e.name);
		fail_hint(f, "ccctl add %s --replace", e.name);
		return NULL;
	}
	if (record(q, "add", e.name, f) != 0 || vault_put(t->vault, &e, f) != 0)
		return NULL;
	return committed(t, f);
}

static const struct entry *existing(struct request *q, char name[NAME_MAX_LEN + 1],
				    struct failure *f)
{
	const struct entry *e;

	if (name_field(q->map, "name", name, f) != 0)
		return NULL;
	e = vault_find(q->connection->tenant->vault, name);
	if (!e)
		fail_set(f, FAIL_NO_ENTRY, "ccctl keys lists them", "there is no entry '%s'", name);
	return e;
}

struct wire_out *op_get(struct request *q, struct failure *f)
{
	char name[NAME_MAX_LEN + 1];
	const struct entry *e = existing(q, name, f);
	struct wire_out *o;

	if (!e || record(q, "get", name, f) != 0)
		return NULL;
	o = wire_ok(1);
	wire_secret(o, "token", e->token, e->token_len);
	return o;
}

struct wire_out *op_rm(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	char name[NAME_MAX_LEN + 1];

	if (!existing(q, name, f) || record(q, "remove", name, f) != 0 ||
	    vault_remove(t->vault, name, f) != 0)
		return NULL;
	return committed(t, f);
}

struct wire_out *op_rename(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	char name[NAME_MAX_LEN + 1], to[NAME_MAX_LEN + 1], both[2 * NAME_MAX_LEN + 2];

	if (!existing(q, name, f) || name_field(q->map, "to", to, f) != 0)
		return NULL;
	if (vault_find(t->vault, to)) {
		fail_set(f, FAIL_EXISTS, NULL, "there is an entry '%s' already", to);
		fail_hint(f, "ccctl rm %s, or choose another name", to);
		return NULL;
	}
	snprintf(both, sizeof(both), "%s %s", name, to);
	if (record(q, "rename", both, f) != 0 || vault_rename(t->vault, name, to, f) != 0)
		return NULL;
	return committed(t, f);
}

struct wire_out *op_approve(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	char name[NAME_MAX_LEN + 1];
	const struct entry *old = existing(q, name, f);
	struct entry e;

	if (!old)
		return NULL;
	e = *old;
	e.changed = (uint64_t)time(NULL);
	if (sealed_fields(q->map, &e, f) != 0 || record(q, "approve", name, f) != 0 ||
	    vault_put(t->vault, &e, f) != 0)
		return NULL;
	return committed(t, f);
}

static void entry_item(struct wire_out *o, const struct entry *e)
{
	wire_item(o, 7);
	wire_str(o, "name", e->name);
	wire_str(o, "origin", e->origin);
	wire_str(o, "variable", e->variable);
	wire_str(o, "policy", e->policy);
	wire_uint(o, "created", e->created);
	wire_uint(o, "changed", e->changed);
	wire_uint(o, "used", e->used);
}

static size_t item_size(const struct entry *e)
{
	return 128 + strlen(e->name) + strlen(e->origin) + strlen(e->variable) + strlen(e->policy);
}

/* Entries after the name in "after" ("" for the first page), one page of them. */
struct wire_out *op_list(struct request *q, struct failure *f)
{
	struct vault *v = q->connection->tenant->vault;
	unsigned i, first, last, n = vault_count(v);
	char after[NAME_MAX_LEN + 1];
	struct wire_out *o;
	size_t size = 0;

	if (wire_text(q->map, "after", after, sizeof(after), f) != 0)
		return NULL;
	for (first = 0; first < n && strcmp(vault_at(v, first)->name, after) <= 0; first++)
		;
	for (last = first; last < n; last++) {
		size += item_size(vault_at(v, last));
		if (size > LIST_PAGE)
			break;
	}
	o = wire_ok(2);
	wire_bool(o, "more", last < n);
	wire_array(o, "entries", last - first);
	for (i = first; i < last; i++)
		entry_item(o, vault_at(v, i));
	return o;
}
