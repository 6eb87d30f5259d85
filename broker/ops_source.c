/*
 * broker/ops_source.c - source-take, source-put, source-wait, source-fail: tokens that stay
 * in another manager.
 * The broker runs no program: it tells one client which sealed command fetches the
 * token, and keeps what that client sends in locked memory.
 */
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "broker/broker.h"
#include "broker/fields.h"
#include "broker/ops.h"
#include "broker/relay_value.h"
#include "broker/renewal.h"
#include "broker/request.h"
#include "vault/entries.h"
#include "vault/tokens.h"
#include "wire/names.h"
#include "wire/pack.h"
#include "wire/policy.h"

/* Seconds before its end at which a token is fetched again, so that no request meets that
 * end; and how often at most, should a manager give what ends sooner. */
#define EXPIRY_EARLY 60
#define EXPIRY_LEAST 15

static void source_hash(uint8_t out[BLAKE2B_256_LEN], const struct entry_source *s)
{
	uint8_t first[BLAKE2B_256_LEN];

	blake2b_256(first, s->ref, strlen(s->ref) + 1, s->command, strlen(s->command) + 1);
	blake2b_256(out, first, sizeof(first), s->pick, strlen(s->pick));
}

/* Is it still the source that c was told to fetch the token from?  A token of the former one
 * must not go to where that of the present one may. */
static bool source_is_same(const struct connection *c, const struct entry *e)
{
	uint8_t hash[BLAKE2B_256_LEN];

	if (!e->source)
		return false;
	source_hash(hash, e->source);
	return memcmp(hash, c->fetching_from, sizeof(hash)) == 0;
}

struct wire_out *op_source_take(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	char name[NAME_MAX_LEN + 1];
	const struct entry *e = request_entry(q, name, f);
	bool wait;
	struct wire_out *o;

	if (!e || peer_check_namespaces(&c->peer, f) != 0)
		return NULL;
	if (c->session.state != SESSION_NONE || c->watcher || c->quota_waiting ||
	    c->quota_fetching || c->renewer.names) {
		fail_set(f, FAIL_IN_USE, "connect once more",
			 "this connection has another purpose");
		return NULL;
	}
	c->fetching_token_of[0] = '\0';
	wait = e->source && !e->token && renewal_is_fetching(q->broker, c->tenant, name, c);
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
	source_hash(c->fetching_from, e->source);
	c->deadline = clock_now_ms() + SOURCE_DEADLINE_MS;
	return o;
}

/*
 * "expires", optional: when its source says that the token ends, seconds from now.  *until:
 * when it is to be fetched again, or 0.
 */
static int read_expiry(struct wire_map m, int64_t *until, struct failure *f)
{
	uint64_t seconds;

	*until = 0;
	if (!wire_has(m, "expires"))
		return 0;
	if (wire_get_uint(m, "expires", &seconds, f) != 0)
		return -1;
	if (seconds > TTL_MAX)
		return 0;
	seconds = seconds > EXPIRY_EARLY + EXPIRY_LEAST ? seconds - EXPIRY_EARLY : EXPIRY_LEAST;
	*until = clock_now_ms() + (int64_t)seconds * 1000;
	return 0;
}

struct wire_out *op_source_put(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	char name[NAME_MAX_LEN + 1];
	const struct entry *e = request_entry(q, name, f);
	const uint8_t *token;
	int64_t until;
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
	if (!source_is_same(c, e)) {
		fail_set(f, FAIL_CHANGED, "start it again", "'%s' was changed meanwhile", name);
		return NULL;
	}
	if (wire_get_bin(q->map, "token", &token, &n, f) != 0 ||
	    wire_token_check(token, n, f) != 0 || read_expiry(q->map, &until, f) != 0 ||
	    request_audit(q, "fetch", name, f) != 0 ||
	    vault_token_set_fetched(c->tenant->vault, name, token, n, clock_now_ms(), until, f) !=
		    0)
		return NULL;
	/* Its ttl may be the next to be over. */
	c->tenant->next_expiry = 0;
	relay_value_fetched(q->broker, c->tenant, name, NULL);
	return wire_ok();
}

struct wire_out *op_source_wait(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	const char *name;
	struct wire_out *o;

	if (peer_check_namespaces(&c->peer, f) != 0)
		return NULL;
	if (c->session.state != SESSION_NONE || c->watcher || c->quota || c->fetching_token_of[0] ||
	    c->renewer.waiting) {
		fail_set(f, FAIL_IN_USE, "connect once more",
			 "this connection has another purpose");
		return NULL;
	}
	if (renewal_join(c, q->map, f) != 0)
		return NULL;
	renewal_wait(q->broker, c, &name);
	q->deferred = !name;
	if (!name)
		return NULL;
	o = wire_ok();
	wire_put_str(o, "name", name);
	return o;
}

struct wire_out *op_source_fail(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	struct failure why = { .code = FAIL_SOURCE };
	char name[NAME_MAX_LEN + 1];

	if (field_name(q->map, "name", name, f) != 0 ||
	    wire_get_text(q->map, "message", why.what, sizeof(why.what), f) != 0 ||
	    wire_get_text(q->map, "hint", why.hint, sizeof(why.hint), f) != 0)
		return NULL;
	if (strcmp(c->renewer.told, name) != 0) {
		fail_set(f, FAIL_POSTURE, "source-wait comes first",
			 "'%s' was not asked of this connection", name);
		return NULL;
	}
	c->renewer.told[0] = '\0';
	relay_value_fetched(q->broker, c->tenant, name, &why);
	return wire_ok();
}
