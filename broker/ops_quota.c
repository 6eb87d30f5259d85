/*
 * broker/ops_quota.c - usage-next, usage-put, usage: a worker outside the sessions
 * fetches quota numbers with the key, a status line inside one asks for them.
 *
 * MUST: a token goes only to an unmarked process that nobody can read or trace, together
 * with its sealed origin, the only one that it may be sent to; and never the token of an
 * entry that a relay alone uses, since such a process need not be a worker: there a relay
 * asks the provider (broker/quota_fetch.h).  What the worker sends back are numbers and
 * short words, and not trusted.
 */
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "broker/broker.h"
#include "broker/fields.h"
#include "broker/ops.h"
#include "broker/policy.h"
#include "broker/quota_fetch.h"
#include "broker/relay.h"
#include "broker/request.h"
#include "wire/pack.h"
#include "wire/names.h"
#include "wire/usage_place.h"

/* Why a fetch failed; the status line may show these words. */
static const char *const fetch_errors[] = { "unauthorized", "rate-limited", "network",
					    "tls",	    "timeout",	    "answer",
					    "redirect",	    "too-large",    "missing" };

enum join_result {
	JOIN_FAILED = -1,
	JOIN_DONE,
	JOIN_CROWDED /* the numbers have workers enough */
};

/* Make the connection a worker for the name that the request gives. */
static enum join_result join_workers(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	char name[NAME_MAX_LEN + 1] = QUOTA_SUBSCRIPTION_NAME;
	bool subscription = false;

	if (c->quota)
		return JOIN_DONE;
	if (c->session.state != SESSION_NONE || c->watcher || c->renewer.names) {
		fail_set(f, FAIL_IN_USE, "connect once more",
			 "this connection has another purpose");
		return JOIN_FAILED;
	}
	if (wire_has(q->map, "own") && wire_get_bool(q->map, "own", &subscription, f) != 0)
		return JOIN_FAILED;
	if ((!subscription || wire_has(q->map, "name")) && field_name(q->map, "name", name, f) != 0)
		return JOIN_FAILED;
	if (quota_crowded(&c->tenant->quota, name, subscription))
		return JOIN_CROWDED;
	c->quota = quota_join(&c->tenant->quota, name, subscription);
	if (!c->quota) {
		fail_set(f, FAIL_BUSY, NULL, "%d keys are watched already", QUOTA_NAMES_MAX);
		return JOIN_FAILED;
	}
	return JOIN_DONE;
}

/*
 * May the worker have numbers with e's token?  Checked at the release, which may come days
 * after the request: it must be outside the sessions, and nobody may be able to read it.
 * *readable: it may have the token itself.
 */
static int check_worker(struct connection *c, const struct entry *e, bool *readable,
			struct failure *f)
{
	struct policy p;
	bool marked;

	if (peer_read_mark(&c->peer, &marked, f) != 0 || policy_parse(&p, e->policy, f) != 0)
		return -1;
	if (marked)
		return fail_set(f, FAIL_MARKED, "run it outside the session, in another terminal",
				"a process inside a session gets nothing");
	if (policy_check_bound(e, f) != 0)
		return -1;
	/* What is no worker can be as one, and could read the key. */
	*readable = policy_is_readable(e, &p);
	return peer_check_private(&c->peer, *readable && p.strict, f);
}

static int audit_fetch(struct connection *c, const struct relay *r, struct failure *f)
{
	struct audit_event e = { .event = "usage",
				 .result = "granted",
				 .entries = c->quota->name,
				 .pid = c->peer.pid,
				 .gives = !r };

	if (r) {
		e.why = "by the session's relay";
		e.session = r->session->id;
	}
	return audit_write(&c->tenant->audit, &e, f);
}

/* It is c's turn. */
static void take_turn(struct connection *c)
{
	quota_begin_fetch(c->quota);
	c->quota_fetching = true;
	c->quota_waiting = false;
	c->deadline = clock_now_ms() + QUOTA_PUT_DEADLINE_MS;
}

/*
 * Numbers with a key that a relay alone uses.  NULL without f set: a relay is at it, or
 * the worker is to wait for one that has the key.
 */
static struct wire_out *begin_fetch_by_relay(struct connection *c, const struct entry *e,
					     struct failure *f)
{
	const struct usage_place *place = c->quota_place;
	struct usage_target target;
	struct failure why;
	struct relay *r;

	if (!place || place->own || wire_carrier_header(e->variable)) {
		fail_set(f, FAIL_POLICY, NULL, "a relay alone uses '%s': nobody else gets the key",
			 e->name);
		return NULL;
	}
	/* Said as of any fetch that fails: the worker knows why, and comes again. */
	if (usage_place_target(place, e->origin, &target, &why) != 0) {
		take_turn(c);
		return quota_fetch_failure(e->origin, "missing");
	}
	r = quota_fetch_find_relay(c, e->name);
	if (!r || audit_fetch(c, r, f) != 0)
		return NULL;
	take_turn(c);
	quota_hold_off(c->quota, clock_now_ms());
	quota_fetch_start(c, r, e->name, place);
	return NULL;
}

/*
 * If the numbers are due: the answer {fetch}, with the token where the worker may have it,
 * and it is its turn from now on.  Else NULL: with f set when the worker is refused,
 * without when it is to wait (not due yet, the vault is locked, or a relay fetches).
 */
static struct wire_out *begin_fetch(struct connection *c, struct failure *f)
{
	const struct entry *entry;
	struct wire_out *o;
	bool readable;

	if (c->quota_relay || !quota_due(c->quota, clock_now_ms()))
		return NULL;
	if (c->quota->subscription) {
		o = wire_ok();
		wire_put_bool(o, "fetch", true);
	} else {
		entry = tenant_find_entry(c->tenant, c->quota->name, NULL);
		if (!entry || check_worker(c, entry, &readable, f) != 0)
			return NULL;
		if (!readable)
			return begin_fetch_by_relay(c, entry, f);
		if (audit_fetch(c, NULL, f) != 0)
			return NULL;
		o = wire_ok();
		wire_put_bool(o, "fetch", true);
		wire_put_str(o, "origin", entry->origin);
		wire_put_secret(o, "token", entry->token, entry->token_len);
	}
	take_turn(c);
	return o;
}

/* Which kind of numbers this usage-next is for, if it says so. */
static int read_kind(struct request *q, struct failure *f)
{
	char kind[NAME_MAX_LEN + 1];

	q->connection->quota_place = NULL;
	if (!wire_has(q->map, "kind"))
		return 0;
	if (field_name(q->map, "kind", kind, f) != 0)
		return -1;
	q->connection->quota_place = usage_place_find(kind);
	return 0;
}

struct wire_out *op_usage_next(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	struct wire_out *o;

	if (peer_check_namespaces(&c->peer, f) != 0 || peer_check_private(&c->peer, false, f) != 0)
		return NULL;
	switch (join_workers(q, f)) {
	case JOIN_FAILED:
		return NULL;
	case JOIN_CROWDED:
		o = wire_ok();
		wire_put_bool(o, "fetch", false);
		wire_put_uint(o, "retry", QUOTA_FRESH_MS / 1000);
		return o;
	case JOIN_DONE:
		break;
	}
	if (c->quota_fetching || c->quota_waiting) {
		fail_set(f, FAIL_IN_USE, "usage-put first",
			 "this connection has been asked already");
		return NULL;
	}
	if (read_kind(q, f) != 0)
		return NULL;
	o = begin_fetch(c, f);
	if (!o && f->code == FAIL_NONE) {
		q->deferred = true;
		if (!c->quota_relay) {
			c->quota_waiting = true;
			c->deadline = 0;
		}
	}
	return o;
}

void quota_answer_waiting(struct connection *c)
{
	struct failure f = { .code = FAIL_NONE };
	struct wire_out *o;

	if (!c->quota_waiting)
		return;
	o = begin_fetch(c, &f);
	if (!o && f.code == FAIL_NONE)
		return;
	if (!o)
		o = wire_error(&f);
	/* A refused worker ends; one that got no answer connects again. */
	if (wire_send(c->fd, o, -1) != 0 || f.code != FAIL_NONE)
		c->closing = true;
	wire_out_free(o);
}

/* An optional text of the characters of set alone; "" when absent. */
static int read_short_text(struct wire_map m, const char *key, const char *set,
			   char out[QUOTA_TEXT_SIZE], struct failure *f)
{
	out[0] = '\0';
	if (!wire_has(m, key))
		return 0;
	if (wire_get_text(m, key, out, QUOTA_TEXT_SIZE, f) != 0)
		return -1;
	if (out[strspn(out, set)] != '\0')
		return fail_set(f, FAIL_BAD_VALUE, NULL, "%s: characters that do not belong there",
				key);
	return 0;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static int read_figure(struct wire_map m, struct quota_figure *figure, struct failure *f)
{
	uint64_t percent = 0;

	memset(figure, 0, sizeof(*figure));
	figure->has_percent = wire_has(m, "percent");
	if (read_short_text(m, "label", LOWER UPPER DIGITS "-", figure->label, f) != 0 ||
	    read_short_text(m, "amount", DIGITS ".-", figure->amount, f) != 0 ||
	    read_short_text(m, "currency", UPPER, figure->currency, f) != 0 ||
	    (figure->has_percent && wire_get_uint(m, "percent", &percent, f) != 0) ||
	    (wire_has(m, "reset") && wire_get_uint(m, "reset", &figure->reset, f) != 0))
		return -1;
	if (percent > QUOTA_PERCENT_MAX || strlen(figure->label) > 8 ||
	    strlen(figure->currency) > 8 ||
	    (!figure->label[0] || (!figure->amount[0] && !figure->has_percent)))
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"an item has a label, and a percentage or an amount");
	figure->percent = (uint32_t)percent;
	return 0;
}

static int accept_error(struct request *q, struct failure *f)
{
	uint64_t retry = QUOTA_FRESH_MS / 1000;
	char word[QUOTA_TEXT_SIZE];
	unsigned i;

	if (wire_get_text(q->map, "error", word, sizeof(word), f) != 0 ||
	    (wire_has(q->map, "retry") && wire_get_uint(q->map, "retry", &retry, f) != 0))
		return -1;
	for (i = 0; i < sizeof(fetch_errors) / sizeof(fetch_errors[0]) &&
		    strcmp(fetch_errors[i], word) != 0;
	     i++)
		;
	if (i == sizeof(fetch_errors) / sizeof(fetch_errors[0]))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "'%s' is no such error", word);
	quota_fetch_failed(q->connection->quota, word, retry, clock_now_ms());
	return 0;
}

static int accept_figures(struct request *q, struct failure *f)
{
	struct quota_figure figure[QUOTA_FIGURES_MAX];
	struct wire_map m;
	unsigned i, n;

	if (wire_get_array(q->map, "items", &n, f) != 0)
		return -1;
	if (n > QUOTA_FIGURES_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "more than %d items", QUOTA_FIGURES_MAX);
	for (i = 0; i < n; i++)
		if (wire_get_item(q->map, "items", i, &m, f) != 0 ||
		    read_figure(m, &figure[i], f) != 0)
			return -1;
	quota_fetch_done(q->connection->quota, figure, n, clock_now_ms());
	return 0;
}

struct wire_out *op_usage_put(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;

	if (!c->quota_fetching || c->quota_relay) {
		fail_set(f, FAIL_POSTURE, "usage-next first",
			 "nothing was asked of this connection");
		return NULL;
	}
	if ((wire_has(q->map, "error") ? accept_error : accept_figures)(q, f) != 0)
		return NULL;
	c->quota_fetching = false;
	return wire_ok();
}

static void put_figure(struct wire_out *o, const struct quota_figure *figure)
{
	wire_begin_item(o);
	wire_put_str(o, "label", figure->label);
	if (figure->has_percent)
		wire_put_uint(o, "percent", figure->percent);
	if (figure->amount[0])
		wire_put_str(o, "amount", figure->amount);
	if (figure->currency[0])
		wire_put_str(o, "currency", figure->currency);
	if (figure->reset)
		wire_put_uint(o, "reset", figure->reset);
}

/* Numbers only: a session may know how much of its quota is used. */
struct wire_out *op_usage(struct request *q, struct failure *f)
{
	int64_t now = clock_now_ms();
	char name[NAME_MAX_LEN + 1];
	struct wire_out *o;
	struct watched_quota *u;
	bool subscription = false;
	unsigned i, n;

	if (field_name(q->map, "name", name, f) != 0 ||
	    (wire_has(q->map, "own") && wire_get_bool(q->map, "own", &subscription, f) != 0))
		return NULL;
	u = quota_lookup(&q->connection->tenant->quota, name, subscription);
	n = u && u->fetched ? u->figures : 0;
	o = wire_ok();
	wire_put_str(o, "state", quota_state(u, now));
	if (u && u->fetched)
		wire_put_uint(o, "age", (uint64_t)(now - u->fetched) / 1000);
	if (u && u->error[0])
		wire_put_str(o, "error", u->error);
	wire_begin_array(o, "items");
	for (i = 0; i < n; i++)
		put_figure(o, &u->figure[i]);
	if (u)
		u->wanted = true;
	return o;
}
