/*
 * broker/ops_spending.c - limit, limit-set, spent, spent-today: how much of an entry may be
 * used, and what was.
 */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "broker/broker.h"
#include "broker/fields.h"
#include "broker/ops.h"
#include "broker/person.h"
#include "broker/relay.h"
#include "broker/request.h"
#include "broker/spending.h"
#include "broker/spending_book.h"
#include "vault/entries.h"
#include "vault/entry.h"
#include "wire/names.h"
#include "wire/pack.h"
#include "wire/policy.h"

/* What the entry used in the present window of each period. */
static void put_windows(struct wire_out *o, const struct book *b, const char *name,
			const struct limit_time *now)
{
	static const struct limit_counters none;
	const struct book_entry *e = book_entry_find(b, name);
	const struct limit_counters *c = e ? &e->counters : &none;
	struct limit_window w;
	int per;

	wire_begin_array(o, "windows");
	for (per = 0; per < LIMIT_PERIODS; per++) {
		limit_window_of((enum limit_period)per, now, &w);
		wire_begin_item(o);
		wire_put_str(o, "period", limit_period_name((enum limit_period)per));
		wire_put_uint(o, "ends", w.ends > 0 ? (uint64_t)w.ends : 0);
		wire_put_uint(o, "tokens",
			      limit_used(c, (enum limit_period)per, w.number, LIMIT_TOKENS));
		wire_put_uint(o, "micros",
			      limit_used(c, (enum limit_period)per, w.number, LIMIT_MONEY));
		wire_put_uint(o, "requests",
			      limit_used(c, (enum limit_period)per, w.number, LIMIT_REQUESTS));
	}
	wire_end_array(o);
}

struct wire_out *op_limit(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	char name[NAME_MAX_LEN + 1], text[LIMIT_TEXT];
	const struct book_entry *e;
	struct limit_time now;
	struct wire_out *o;
	struct limit l;
	struct book *b;

	if (field_name(q->map, "name", name, f) != 0 || spending_limit_of(t, name, &l, f) != 0)
		return NULL;
	b = spending_book(t, f);
	if (!b)
		return NULL;
	now = spending_now(t);
	e = book_entry_find(b, name);
	limit_format(&l, text);
	o = wire_ok();
	wire_put_str(o, "limit", text);
	wire_put_bool(o, "blind", e && rates_are_blind(&e->rates));
	put_windows(o, b, name, &now);
	return o;
}

struct wire_out *op_limit_set(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	char name[NAME_MAX_LEN + 1], text[LIMIT_TEXT];
	struct limit l, old;
	struct policy p;
	struct entry e;
	struct wire_out *o;

	if (field_name(q->map, "name", name, f) != 0 ||
	    wire_get_text(q->map, "limit", text, sizeof(text), f) != 0 ||
	    limit_parse(&l, text, f) != 0 || spending_limit_of(t, name, &old, f) != 0)
		return NULL;
	if (limit_loosens(&old, &l) && person_require(q, f) != 0)
		return NULL;
	e = *vault_find(t->vault, name);
	if (policy_parse(&p, e.policy, f) != 0)
		return NULL;
	p.limit = l;
	policy_format(&p, e.policy, sizeof(e.policy));
	if (request_audit(q, "limit-set", name, f) != 0 || vault_put(t->vault, &e, f) != 0)
		return NULL;
	o = request_commit(q, f);
	/* A relay asks before each request only if it was told so with the key. */
	if (o)
		relays_wipe(t->relays, name, "changed", NULL, NULL);
	return o;
}

static void put_spent(struct wire_out *o, const struct spent *s)
{
	wire_begin_item(o);
	wire_put_uint(o, "day", s->day);
	wire_put_str(o, "entry", s->entry);
	wire_put_str(o, "provider", s->provider);
	wire_put_str(o, "model", s->model);
	wire_put_str(o, "project", s->project);
	wire_put_str(o, "session", s->session);
	wire_put_uint(o, "requests", s->requests);
	wire_put_uint(o, "estimated", s->estimated);
	wire_put_uint(o, "unpriced", s->unpriced);
	wire_put_uint(o, "input", s->tokens[TOKENS_INPUT]);
	wire_put_uint(o, "output", s->tokens[TOKENS_OUTPUT]);
	wire_put_uint(o, "cache_write", s->tokens[TOKENS_CACHE_WRITE]);
	wire_put_uint(o, "cache_read", s->tokens[TOKENS_CACHE_READ]);
	wire_put_uint(o, "micros", s->micros);
}

static size_t estimate_spent_size(const struct spent *s)
{
	return 256 + strlen(s->entry) + strlen(s->provider) + strlen(s->model) +
	       strlen(s->project) + strlen(s->session);
}

/* One page of sums from row number "from" on.  Needs no open vault: no key protects them. */
struct wire_out *op_spent(struct request *q, struct failure *f)
{
	struct book *b = spending_book(q->connection->tenant, f);
	uint64_t from, since = 0;
	struct wire_out *o;
	size_t size = 0;
	unsigned i;

	if (!b || wire_get_uint(q->map, "from", &from, f) != 0 ||
	    (wire_has(q->map, "since") && wire_get_uint(q->map, "since", &since, f) != 0))
		return NULL;
	o = wire_ok();
	wire_put_uint(o, "since", b->since);
	wire_put_uint(o, "damaged", b->damaged);
	wire_put_uint(o, "rolled", b->table.rolled);
	wire_begin_array(o, "rows");
	for (i = from < b->table.n ? (unsigned)from : b->table.n; i < b->table.n; i++) {
		if (b->table.row[i].day < since)
			continue;
		size += estimate_spent_size(&b->table.row[i]);
		if (size > LIST_PAGE)
			break;
		put_spent(o, &b->table.row[i]);
	}
	wire_end_array(o);
	wire_put_uint(o, "next", i);
	wire_put_bool(o, "more", i < b->table.n);
	return o;
}

/* The part of a limit that is used up most, for a status line; else the day's numbers. */
static enum limit_kind nearest_limit(const struct limit *l, const struct limit_counters *c,
				     const struct limit_time *now)
{
	enum limit_kind nearest = LIMIT_MONEY;
	double most = -1, part;
	struct limit_window w;
	int kind;

	for (kind = 0; kind < LIMIT_KINDS; kind++) {
		if (l->of[kind].most == 0)
			continue;
		limit_window_of(l->of[kind].per, now, &w);
		part = (double)limit_used(c, l->of[kind].per, w.number, (enum limit_kind)kind) /
		       (double)l->of[kind].most;
		if (part > most) {
			most = part;
			nearest = (enum limit_kind)kind;
		}
	}
	return nearest;
}

/* For a status line, inside a session: numbers of one entry, and no names. */
struct wire_out *op_spent_today(struct request *q, struct failure *f)
{
	static const char *const kinds[LIMIT_KINDS] = {
		[LIMIT_TOKENS] = "tokens", [LIMIT_MONEY] = "micros", [LIMIT_REQUESTS] = "requests"
	};
	struct tenant *t = q->connection->tenant;
	char name[NAME_MAX_LEN + 1];
	const struct book_entry *e;
	struct limit_window day;
	struct limit l = { 0 };
	struct limit_time now;
	enum limit_kind kind;
	struct wire_out *o;
	struct book *b;
	int i;

	if (field_name(q->map, "name", name, f) != 0)
		return NULL;
	b = spending_book(t, f);
	if (!b)
		return NULL;
	e = book_entry_find(b, name);
	o = wire_ok();
	wire_put_bool(o, "counted", e != NULL);
	if (!e)
		return o;
	now = spending_now(t);
	/* While the vault is locked, nobody knows the limit. */
	(void)spending_limit_of(t, name, &l, NULL);
	limit_window_of(LIMIT_DAY, &now, &day);
	for (i = 0; i < LIMIT_KINDS; i++)
		wire_put_uint(o, kinds[i],
			      limit_used(&e->counters, LIMIT_DAY, day.number, (enum limit_kind)i));
	if (!limit_is_set(&l))
		return o;
	kind = nearest_limit(&l, &e->counters, &now);
	limit_window_of(l.of[kind].per, &now, &day);
	wire_put_str(o, "kind", kinds[kind]);
	wire_put_str(o, "period", limit_period_name(l.of[kind].per));
	wire_put_uint(o, "most", l.of[kind].most);
	wire_put_uint(o, "used", limit_used(&e->counters, l.of[kind].per, day.number, kind));
	return o;
}
