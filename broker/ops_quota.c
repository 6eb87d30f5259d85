/*
 * broker/ops_quota.c - quota numbers: a worker outside the sessions fetches
 * them with the key, a status line inside one asks for them.
 *
 * MUST: a token goes to an unmarked process that nobody can read or trace, and
 * to no other origin than the sealed one, which is told with it.  What comes
 * back are numbers and short words, checked here as anybody's.
 */
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "broker/broker.h"
#include "broker/dispatch.h"

/* The words that say why a try failed; the status line may show them. */
static const char *const errors[] = { "unauthorized", "rate-limited", "network", "tls",	    "timeout",
				      "answer",	      "redirect",     "too-large", "missing" };

enum join_result {
	JOIN_FAILED = -1,
	JOIN_DONE,
	JOIN_CROWDED /* enough others wait for the same numbers */
};

/* Take the connection's place among those who wait. */
static enum join_result join_workers(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	char name[NAME_MAX_LEN + 1] = QUOTA_SUBSCRIPTION_NAME;
	bool own = false;

	if (c->usage)
		return JOIN_DONE;
	if (c->session.state != SESSION_NONE || c->watcher) {
		fail_set(f, FAIL_IN_USE, "connect once more", "this connection has another purpose");
		return JOIN_FAILED;
	}
	if (wire_has(q->map, "own") && wire_get_bool(q->map, "own", &own, f) != 0)
		return JOIN_FAILED;
	if ((!own || wire_has(q->map, "name")) && field_name(q->map, "name", name, f) != 0)
		return JOIN_FAILED;
	if (quota_crowded(&c->tenant->usage, name, own))
		return JOIN_CROWDED;
	c->usage = quota_join(&c->tenant->usage, name, own);
	if (!c->usage) {
		fail_set(f, FAIL_BUSY, NULL, "%d keys are watched already", QUOTA_NAMES_MAX);
		return JOIN_FAILED;
	}
	return JOIN_DONE;
}

/*
 * Asked at the moment of the release, as it may have waited for days: is it still
 * outside the sessions, and does nobody see into it?  As root nobody can tell, and
 * what is sealed as strict is not released then (as at a claim).
 */
static int check_worker(struct connection *c, const struct entry *e, struct failure *f)
{
	int marked = peer_marked(&c->peer, f);
	struct policy p;

	if (marked < 0 || policy_parse(&p, e->policy, f) != 0)
		return -1;
	if (marked)
		return fail_set(f, FAIL_MARKED, "run it outside the session, in another terminal",
				"a process inside a session gets nothing");
	return peer_check_private(&c->peer, p.strict, f);
}

/*
 * Its turn: {fetch} with what it needs, or NULL.  Sets f only where the worker
 * has no business here (any more); what may change is waited for.
 */
static struct wire_out *begin_fetch(struct connection *c, struct failure *f)
{
	struct audit_event e = { .event = "usage", .result = "granted", .pid = c->peer.pid };
	int64_t now = io_now_ms();
	const struct entry *entry;
	struct wire_out *o;

	if (!quota_due(c->usage, now))
		return NULL;
	if (c->usage->own) {
		o = wire_ok();
		wire_put_bool(o, "fetch", true);
	} else {
		entry = tenant_find_entry(c->tenant, c->usage->name, NULL);
		e.entries = c->usage->name;
		if (!entry)
			return NULL;
		if (check_worker(c, entry, f) != 0 || audit_write(&c->tenant->record, &e, f) != 0)
			return NULL;
		o = wire_ok();
		wire_put_bool(o, "fetch", true);
		wire_put_str(o, "origin", entry->origin);
		wire_put_secret(o, "token", entry->token, entry->token_len);
	}
	quota_begin_fetch(c->usage);
	c->fetching = true;
	c->waiting = false;
	c->deadline = now + QUOTA_PUT_DEADLINE_MS;
	return o;
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
	if (c->fetching || c->waiting) {
		fail_set(f, FAIL_IN_USE, "usage-put first", "this connection has been asked already");
		return NULL;
	}
	o = begin_fetch(c, f);
	if (!o && f->code == FAIL_NONE) {
		c->waiting = q->later = true;
		c->deadline = 0;
	}
	return o;
}

void quota_answer_waiting(struct connection *c)
{
	struct failure f = { .code = FAIL_NONE };
	struct wire_out *o;

	if (!c->waiting)
		return;
	o = begin_fetch(c, &f);
	if (!o && f.code == FAIL_NONE)
		return;
	if (!o)
		o = wire_error(&f);
	/* (A worker that is told why ends; one that is not comes again.) */
	if (wire_send(c->fd, o, -1) != 0 || f.code != FAIL_NONE)
		c->closing = true;
	wire_out_free(o);
}

/* A short text of these characters alone. */
static int read_short_text(struct wire_map m, const char *key, const char *set, char out[QUOTA_TEXT_SIZE], struct failure *f)
{
	out[0] = '\0';
	if (!wire_has(m, key))
		return 0;
	if (wire_get_text(m, key, out, QUOTA_TEXT_SIZE, f) != 0)
		return -1;
	if (out[strspn(out, set)] != '\0')
		return fail_set(f, FAIL_BAD_VALUE, NULL, "%s: characters that do not belong there", key);
	return 0;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static int read_figure(struct wire_map m, struct quota_figure *item, struct failure *f)
{
	uint64_t percent = 0;

	memset(item, 0, sizeof(*item));
	item->has_percent = wire_has(m, "percent");
	if (read_short_text(m, "label", LOWER UPPER DIGITS "-", item->label, f) != 0 ||
	    read_short_text(m, "amount", DIGITS ".-", item->amount, f) != 0 ||
	    read_short_text(m, "currency", UPPER, item->currency, f) != 0 ||
	    (item->has_percent && wire_get_uint(m, "percent", &percent, f) != 0) ||
	    (wire_has(m, "reset") && wire_get_uint(m, "reset", &item->reset, f) != 0))
		return -1;
	if (percent > QUOTA_PERCENT_MAX || strlen(item->label) > 8 || strlen(item->currency) > 8 ||
	    (!item->label[0] || (!item->amount[0] && !item->has_percent)))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "an item has a label, and a percentage or an amount");
	item->percent = (uint32_t)percent;
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
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]) && strcmp(errors[i], word) != 0; i++)
		;
	if (i == sizeof(errors) / sizeof(errors[0]))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "'%s' is no such error", word);
	quota_fetch_failed(q->connection->usage, word, retry, io_now_ms());
	return 0;
}

static int accept_figures(struct request *q, struct failure *f)
{
	struct quota_figure item[QUOTA_FIGURES_MAX];
	struct wire_map m;
	unsigned i, n;

	if (wire_get_array(q->map, "items", &n, f) != 0)
		return -1;
	if (n > QUOTA_FIGURES_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "more than %d items", QUOTA_FIGURES_MAX);
	for (i = 0; i < n; i++)
		if (wire_get_item(q->map, "items", i, &m, f) != 0 || read_figure(m, &item[i], f) != 0)
			return -1;
	quota_fetch_done(q->connection->usage, item, n, io_now_ms());
	return 0;
}

struct wire_out *op_usage_put(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;

	if (!c->fetching) {
		fail_set(f, FAIL_POSTURE, "usage-next first", "nothing was asked of this connection");
		return NULL;
	}
	if ((wire_has(q->map, "error") ? accept_error : accept_figures)(q, f) != 0)
		return NULL;
	c->fetching = false;
	return wire_ok();
}

static void put_figure(struct wire_out *o, const struct quota_figure *item)
{
	wire_begin_item(o);
	wire_put_str(o, "label", item->label);
	if (item->has_percent)
		wire_put_uint(o, "percent", item->percent);
	if (item->amount[0])
		wire_put_str(o, "amount", item->amount);
	if (item->currency[0])
		wire_put_str(o, "currency", item->currency);
	if (item->reset)
		wire_put_uint(o, "reset", item->reset);
}

/* Numbers alone: a session may know how much of its quota is left. */
struct wire_out *op_usage(struct request *q, struct failure *f)
{
	int64_t now = io_now_ms();
	char name[NAME_MAX_LEN + 1];
	struct wire_out *o;
	struct watched_quota *u;
	bool own = false;
	unsigned i, n;

	if (field_name(q->map, "name", name, f) != 0 ||
	    (wire_has(q->map, "own") && wire_get_bool(q->map, "own", &own, f) != 0))
		return NULL;
	u = quota_lookup(&q->connection->tenant->usage, name, own);
	n = u && u->fetched ? u->items : 0;
	o = wire_ok();
	wire_put_str(o, "state", quota_state(u, now));
	if (u && u->fetched)
		wire_put_uint(o, "age", (uint64_t)(now - u->fetched) / 1000);
	if (u && u->error[0])
		wire_put_str(o, "error", u->error);
	wire_begin_array(o, "items");
	for (i = 0; i < n; i++)
		put_figure(o, &u->item[i]);
	if (u)
		u->wanted = true;
	return o;
}
