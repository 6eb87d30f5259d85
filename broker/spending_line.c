/*
 * broker/spending_line.c - writing and reading the lines.
 */
#include "broker/spending_line.h"

#include <string.h>

#include "broker/spending_book.h"

#define VERSION 1

void spending_line_put_head(struct ledger_line *l, const struct book *b)
{
	ledger_line_begin(l, SPENDING_LINE_HEAD);
	ledger_line_number(l, VERSION);
	ledger_line_number(l, b->since);
	ledger_line_number(l, b->damaged);
}

bool spending_line_take_head(struct ledger_fields *l, struct book *b)
{
	if (ledger_take_number(l) != VERSION)
		return false;
	b->since = ledger_take_number(l);
	b->damaged = ledger_take_number(l);
	return !l->bad;
}

/* ---- counters ---- */

static void line_put_counters(struct ledger_line *l, const int64_t window[LIMIT_PERIODS],
			      uint64_t used[LIMIT_PERIODS][LIMIT_KINDS])
{
	int per, kind;

	for (per = 0; per < LIMIT_PERIODS; per++) {
		ledger_line_signed(l, window[per]);
		for (kind = 0; kind < LIMIT_KINDS; kind++)
			ledger_line_number(l, used[per][kind]);
	}
}

static void line_take_counters(struct ledger_fields *l, int64_t window[LIMIT_PERIODS],
			       uint64_t used[LIMIT_PERIODS][LIMIT_KINDS])
{
	int per, kind;

	for (per = 0; per < LIMIT_PERIODS; per++) {
		window[per] = ledger_take_signed(l);
		for (kind = 0; kind < LIMIT_KINDS; kind++)
			used[per][kind] = ledger_take_number(l);
	}
}

void spending_line_put_entry(struct ledger_line *l, struct book_entry *e)
{
	ledger_line_begin(l, SPENDING_LINE_ENTRY);
	ledger_line_text(l, e->name);
	line_put_counters(l, e->counters.window, e->counters.used);
	line_put_counters(l, e->counters.window_before, e->counters.used_before);
	/* Once what answers of all models together had cost. */
	ledger_line_number(l, 0);
	ledger_line_number(l, 0);
	ledger_line_number(l, e->rates.lost);
}

bool spending_line_take_entry(struct ledger_fields *l, struct book_entry *e)
{
	memset(e, 0, sizeof(*e));
	ledger_take_text(l, e->name, sizeof(e->name));
	line_take_counters(l, e->counters.window, e->counters.used);
	line_take_counters(l, e->counters.window_before, e->counters.used_before);
	(void)ledger_take_number(l);
	(void)ledger_take_number(l);
	e->rates.lost = ledger_take_number(l) != 0;
	return !l->bad;
}

void spending_line_put_rate(struct ledger_line *l, const char *entry, const struct book_rate *r)
{
	ledger_line_begin(l, SPENDING_LINE_RATE);
	ledger_line_text(l, entry);
	ledger_line_text(l, r->model);
	ledger_line_number(l, r->micros);
	ledger_line_number(l, r->tokens);
	ledger_line_number(l, r->cut);
	ledger_line_number(l, r->blind);
}

bool spending_line_take_rate(struct ledger_fields *l, char *entry, struct book_rate *r)
{
	memset(r, 0, sizeof(*r));
	ledger_take_text(l, entry, NAME_MAX_LEN + 1);
	ledger_take_text(l, r->model, sizeof(r->model));
	r->micros = ledger_take_number(l);
	r->tokens = ledger_take_number(l);
	r->cut = ledger_take_number(l);
	r->blind = ledger_take_number(l) != 0;
	return !l->bad;
}

/* ---- sums and events ---- */

static void line_add_sum(struct ledger_line *l, const struct spent *s)
{
	int i;

	ledger_line_number(l, s->day);
	ledger_line_text(l, s->entry);
	ledger_line_text(l, s->provider);
	ledger_line_text(l, s->model);
	ledger_line_text(l, s->project);
	ledger_line_text(l, s->session);
	ledger_line_number(l, s->requests);
	ledger_line_number(l, s->estimated);
	ledger_line_number(l, s->unpriced);
	for (i = 0; i < TOKEN_KINDS; i++)
		ledger_line_number(l, s->tokens[i]);
	ledger_line_number(l, s->micros);
}

void spending_line_put_sum(struct ledger_line *l, const struct spent *s)
{
	ledger_line_begin(l, SPENDING_LINE_SUM);
	line_add_sum(l, s);
}

bool spending_line_take_sum(struct ledger_fields *l, struct spent *s)
{
	uint64_t day = ledger_take_number(l);
	int i;

	s->day = day > UINT32_MAX ? 0 : (uint32_t)day;
	ledger_take_text(l, s->entry, sizeof(s->entry));
	ledger_take_text(l, s->provider, sizeof(s->provider));
	ledger_take_text(l, s->model, sizeof(s->model));
	ledger_take_text(l, s->project, sizeof(s->project));
	ledger_take_text(l, s->session, sizeof(s->session));
	s->requests = ledger_take_number(l);
	s->estimated = ledger_take_number(l);
	s->unpriced = ledger_take_number(l);
	for (i = 0; i < TOKEN_KINDS; i++)
		s->tokens[i] = ledger_take_number(l);
	s->micros = ledger_take_number(l);
	return !l->bad;
}

void spending_line_put_event(struct ledger_line *l, const char *kind, const struct book_event *e)
{
	ledger_line_begin(l, kind);
	ledger_line_signed(l, e->when.epoch);
	ledger_line_signed(l, e->when.utc_offset);
	ledger_line_number(l, e->id);
	ledger_line_number(l, e->reported);
	line_add_sum(l, &e->sum);
}

bool spending_line_take_event(struct ledger_fields *l, struct book_event *e)
{
	memset(e, 0, sizeof(*e));
	e->when.epoch = ledger_take_signed(l);
	e->when.utc_offset = (int32_t)ledger_take_signed(l);
	e->id = ledger_take_number(l);
	e->reported = ledger_take_number(l) != 0;
	return spending_line_take_sum(l, &e->sum);
}

void spending_line_put_passed(struct ledger_line *l, const struct book_event *e)
{
	ledger_line_begin(l, SPENDING_LINE_PASSED);
	ledger_line_text(l, e->sum.session);
	ledger_line_number(l, e->id);
	ledger_line_number(l, e->passed_output);
	ledger_line_number(l, e->passed_micros);
}

bool spending_line_take_passed(struct ledger_fields *l, struct book_event *e)
{
	ledger_take_text(l, e->sum.session, sizeof(e->sum.session));
	e->id = ledger_take_number(l);
	e->passed_output = ledger_take_number(l);
	e->passed_micros = ledger_take_number(l);
	return !l->bad;
}

/* ---- renames ---- */

void spending_line_put_rename(struct ledger_line *l, const char *from, const char *to)
{
	ledger_line_begin(l, SPENDING_LINE_RENAME);
	ledger_line_text(l, from);
	ledger_line_text(l, to);
}

bool spending_line_take_rename(struct ledger_fields *l, char *from, char *to)
{
	ledger_take_text(l, from, NAME_MAX_LEN + 1);
	ledger_take_text(l, to, NAME_MAX_LEN + 1);
	return !l->bad;
}
