/*
 * broker/ops_entries.c - requests about the entries of the vault.
 *
 * A change is answered when it is on the disk, a secret only after the audit log has
 * it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fail.h"
#include "base/io.h"
#include "broker/broker.h"
#include "broker/confirm.h"
#include "broker/fields.h"
#include "broker/ops.h"
#include "broker/person.h"
#include "broker/policy.h"
#include "broker/relay.h"
#include "broker/request.h"
#include "broker/spending.h"
#include "vault/crypto.h"
#include "vault/entries.h"
#include "vault/entry.h"
#include "wire/names.h"
#include "wire/pack.h"
#include "wire/policy.h"

/* name, origin, variable, policy: what put and approve seal, checked. */
static int read_sealed_fields(struct wire_map m, struct entry *e, struct failure *f)
{
	struct policy p;

	if (field_name(m, "name", e->name, f) != 0 ||
	    wire_get_text(m, "origin", e->origin, sizeof(e->origin), f) != 0 ||
	    wire_get_text(m, "variable", e->variable, sizeof(e->variable), f) != 0 ||
	    wire_get_text(m, "policy", e->policy, sizeof(e->policy), f) != 0)
		return -1;
	if (e->origin[0] == '\0')
		return fail_set(f, FAIL_BAD_VALUE, NULL, "an entry needs an origin");
	if (!wire_carrier_ok(e->variable))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "'%s' cannot carry a key", e->variable);
	if (policy_check_entry(e, f) != 0 || policy_parse(&p, e->policy, f) != 0)
		return -1;
	policy_format(&p, e->policy, sizeof(e->policy));
	return 0;
}

/* request_commit for a change of an entry that relays may have the token of: what they
 * were given no longer holds, so they ask again. */
static struct wire_out *commit_entry(struct request *q, const char *name, struct failure *f)
{
	struct wire_out *o = request_commit(q, f);

	if (!o)
		return NULL;
	confirm_forget(q->connection->tenant, name);
	relays_wipe(q->connection->tenant->relays, name, "changed", NULL, NULL);
	return o;
}

/* A limit is sealed by ccctl limit alone, and a yes is done without after ccctl confirm alone:
 * what else seals an entry keeps these. */
static void keep_choices(struct entry *e, const struct entry *old)
{
	struct policy was, is;

	if (!old || policy_parse(&was, old->policy, NULL) != 0 ||
	    policy_parse(&is, e->policy, NULL) != 0)
		return;
	is.limit = was.limit;
	if (is.confirm < was.confirm)
		is.confirm = was.confirm;
	policy_format(&is, e->policy, sizeof(e->policy));
}

struct wire_out *op_put(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct entry e = { .created = (uint64_t)time(NULL), .since = clock_now_ms() };
	bool replace = false, has_source = false;
	struct entry_source source;

	e.changed = e.created;
	if (read_sealed_fields(q->map, &e, f) != 0 ||
	    wire_get_bool(q->map, "replace", &replace, f) != 0 ||
	    wire_get_source(q->map, &source, &has_source, f) != 0)
		return NULL;
	/* With a source the token is optional: the client may not have fetched it. */
	if ((!has_source || wire_has(q->map, "token")) &&
	    (wire_get_bin(q->map, "token", &e.token, &e.token_len, f) != 0 ||
	     wire_token_check(e.token, e.token_len, f) != 0))
		return NULL;
	e.source = has_source ? &source : NULL;
	if (vault_find(t->vault, e.name) && !replace) {
		fail_set(f, FAIL_EXISTS, NULL, "'%s' has a key already", e.name);
		fail_hint(f, "ccctl add %s --replace", e.name);
		return NULL;
	}
	/* Who puts a key of his in the place of yours reads your conversations at its provider. */
	if (vault_find(t->vault, e.name) && person_require(q, f) != 0)
		return NULL;
	keep_choices(&e, vault_find(t->vault, e.name));
	if (request_audit(q, "add", e.name, f) != 0 || vault_put(t->vault, &e, f) != 0)
		return NULL;
	return commit_entry(q, e.name, f);
}

struct wire_out *op_get(struct request *q, struct failure *f)
{
	char name[NAME_MAX_LEN + 1];
	const struct entry *e = request_entry(q, name, f);
	struct wire_out *o;

	if (e && e->source) {
		fail_set(f, FAIL_POLICY, NULL,
			 "'%s' stays in another manager, which is where to ask for it: %.160s",
			 name, e->source->ref);
		fail_hint(f, "ccctl get %s has its command", name);
		return NULL;
	}
	if (e && !e->token)
		e = tenant_find_entry(q->connection->tenant, name, f);
	if (!e || request_audit(q, "get", name, f) != 0)
		return NULL;
	o = wire_ok();
	wire_put_secret(o, "token", e->token, e->token_len);
	return o;
}

/* Whether an entry has this token: to whoever has the token this tells nothing else. */
struct wire_out *op_match(struct request *q, struct failure *f)
{
	char name[NAME_MAX_LEN + 1];
	const struct entry *e = request_entry(q, name, f);
	const uint8_t *token;
	struct wire_out *o;
	size_t n;

	if (!e || wire_get_bin(q->map, "token", &token, &n, f) != 0)
		return NULL;
	if (!e->token)
		e = tenant_find_entry(q->connection->tenant, name, f);
	if (!e)
		return NULL;
	o = wire_ok();
	wire_put_bool(o, "same", n == e->token_len && secret_equal(token, e->token, n));
	return o;
}

struct wire_out *op_rm(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	char name[NAME_MAX_LEN + 1];

	if (!request_entry(q, name, f) || request_audit(q, "remove", name, f) != 0 ||
	    vault_remove(t->vault, name, f) != 0)
		return NULL;
	return commit_entry(q, name, f);
}

struct wire_out *op_rename(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	char name[NAME_MAX_LEN + 1], to[NAME_MAX_LEN + 1], both[2 * NAME_MAX_LEN + 2];
	struct wire_out *o;

	if (!request_entry(q, name, f) || field_name(q->map, "to", to, f) != 0)
		return NULL;
	if (vault_find(t->vault, to)) {
		fail_set(f, FAIL_EXISTS, NULL, "there is an entry '%s' already", to);
		fail_hint(f, "ccctl rm %s, or choose another name", to);
		return NULL;
	}
	snprintf(both, sizeof(both), "%s %s", name, to);
	if (request_audit(q, "rename", both, f) != 0 || vault_rename(t->vault, name, to, f) != 0)
		return NULL;
	o = commit_entry(q, name, f);
	if (o)
		spending_rename(t, name, to);
	return o;
}

struct wire_out *op_approve(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	char name[NAME_MAX_LEN + 1];
	const struct entry *old = request_entry(q, name, f);
	struct entry_source source;
	bool has_source;
	struct entry e;

	if (!old)
		return NULL;
	e = *old;
	e.changed = (uint64_t)time(NULL);
	if (read_sealed_fields(q->map, &e, f) != 0 ||
	    wire_get_source(q->map, &source, &has_source, f) != 0)
		return NULL;
	keep_choices(&e, old);
	if (has_source && !e.source) {
		fail_set(f, FAIL_BAD_VALUE, "ccctl add --replace",
			 "'%s' has its token in the vault", name);
		return NULL;
	}
	if (has_source) {
		/* A token of the old source must not be used for the new one. */
		e.source = &source;
		e.token = NULL;
	}
	if (request_audit(q, "approve", name, f) != 0 || vault_put(t->vault, &e, f) != 0)
		return NULL;
	return commit_entry(q, name, f);
}

static void put_entry(struct wire_out *o, const struct entry *e)
{
	const struct entry_source *s = e->source;

	wire_begin_item(o);
	wire_put_str(o, "name", e->name);
	wire_put_str(o, "origin", e->origin);
	wire_put_str(o, "variable", e->variable);
	wire_put_str(o, "policy", e->policy);
	wire_put_uint(o, "created", e->created);
	wire_put_uint(o, "changed", e->changed);
	wire_put_uint(o, "used", e->used);
	if (!s)
		return;
	wire_put_source(o, s);
	wire_put_bool(o, "fetched", e->token != NULL);
}

static size_t estimate_entry_size(const struct entry *e)
{
	size_t n =
		128 + strlen(e->name) + strlen(e->origin) + strlen(e->variable) + strlen(e->policy);

	if (!e->source)
		return n;
	return n + 64 + strlen(e->source->ref) + strlen(e->source->command) +
	       strlen(e->source->pick);
}

/* One page of entries, in order of names, from the first after "after" ("": from the start). */
struct wire_out *op_list(struct request *q, struct failure *f)
{
	struct vault *v = q->connection->tenant->vault;
	unsigned i, first, last, n = vault_count(v);
	char after[NAME_MAX_LEN + 1];
	struct wire_out *o;
	size_t size = 0;

	if (wire_get_text(q->map, "after", after, sizeof(after), f) != 0)
		return NULL;
	for (first = 0; first < n && strcmp(vault_at(v, first)->name, after) <= 0; first++)
		;
	for (last = first; last < n; last++) {
		size += estimate_entry_size(vault_at(v, last));
		if (size > LIST_PAGE)
			break;
	}
	o = wire_ok();
	wire_put_bool(o, "more", last < n);
	wire_begin_array(o, "entries");
	for (i = first; i < last; i++)
		put_entry(o, vault_at(v, i));
	return o;
}
