/*
 * broker/ops_source.c - source-take, source-put: tokens that stay in another manager.
 * The broker runs no program: it tells one client which sealed command fetches the
 * token, and keeps what that client sends in locked memory.
 */
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "broker/broker.h"
#include "broker/fields.h"
#include "broker/ops.h"
#include "broker/request.h"
#include "vault/entries.h"
#include "vault/tokens.h"
#include "wire/names.h"
#include "wire/pack.h"

/* The entry of field "name", whose token may be absent. */
static const struct entry *find_named_entry(struct request *q, char name[NAME_MAX_LEN + 1],
					    struct failure *f)
{
	const struct entry *e;

	if (field_name(q->map, "name", name, f) != 0)
		return NULL;
	e = vault_find(q->connection->tenant->vault, name);
	if (!e)
		fail_set(f, FAIL_NO_ENTRY, NULL, "there is no key '%s' in the vault", name);
	return e;
}

/* Does another connection of the tenant fetch this entry's token now? */
static bool is_being_fetched(const struct request *q, const char *name)
{
	const struct connection *c;
	unsigned i;

	for (i = 0; i < q->broker->places; i++) {
		c = &q->broker->connection[i];
		if (c->fd >= 0 && c != q->connection && c->tenant == q->connection->tenant &&
		    strcmp(c->fetching_token_of, name) == 0)
			return true;
	}
	return false;
}

struct wire_out *op_source_take(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	char name[NAME_MAX_LEN + 1];
	const struct entry *e = find_named_entry(q, name, f);
	bool wait;
	struct wire_out *o;

	if (!e || peer_check_namespaces(&c->peer, f) != 0)
		return NULL;
	if (c->session.state != SESSION_NONE || c->watcher || c->quota_waiting ||
	    c->quota_fetching) {
		fail_set(f, FAIL_IN_USE, "connect once more",
			 "this connection has another purpose");
		return NULL;
	}
	c->fetching_token_of[0] = '\0';
	wait = e->source && !e->token && is_being_fetched(q, name);
	if (!e->source || e->token || wait) {
		o = wire_ok();
		wire_put_bool(o, "cached", !wait);
		wire_put_bool(o, "wait", wait);
		return o;
	}
	o = wire_ok();
	wire_put_bool(o, "cached", false);
	wire_put_bool(o, "wait", false);
	wire_put_source(o, e->source);
	memcpy(c->fetching_token_of, name, sizeof(name));
	c->deadline = clock_now_ms() + SOURCE_DEADLINE_MS;
	return o;
}

struct wire_out *op_source_put(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	char name[NAME_MAX_LEN + 1];
	const struct entry *e = find_named_entry(q, name, f);
	const uint8_t *token;
	size_t n;

	if (!e)
		return NULL;
	if (strcmp(c->fetching_token_of, name) != 0) {
		fail_set(f, FAIL_POSTURE, "source-take comes first",
			 "'%s' was not taken on this connection", name);
		return NULL;
	}
	/* It fetches no more, also when this fails: the next client may try. */
	c->fetching_token_of[0] = '\0';
	if (!e->source) {
		fail_set(f, FAIL_CHANGED, "start it again", "'%s' was changed meanwhile", name);
		return NULL;
	}
	if (wire_get_bin(q->map, "token", &token, &n, f) != 0 ||
	    wire_token_check(token, n, f) != 0 || request_audit(q, "fetch", name, f) != 0 ||
	    vault_token_set_fetched(c->tenant->vault, name, token, n, clock_now_ms(), f) != 0)
		return NULL;
	/* Its ttl may be the next to be over. */
	c->tenant->next_expiry = 0;
	return wire_ok();
}
