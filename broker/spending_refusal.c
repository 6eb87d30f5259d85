/*
 * broker/spending_refusal.c - what is used, and under way, against a limit.
 */
#include "broker/spending_refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/control.h"
#include "broker/spending_book.h"

#define UNPRICED_WORDS (SPENT_MODEL + 2) /* with its quotes */
#define NO_PRICE_RETRY 3600		 /* seconds; a person has to change something */

int spending_refuse(struct spending_refusal *out, uint64_t retry, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(out->message, sizeof(out->message), fmt, args);
	va_end(args);
	out->retry = retry;
	return -1;
}

/* What the entry's other requests that are under way may use: as much as would be counted if
 * they ended now, so that what has passed already is not free until they do. */
static void opens_sum(const struct book *b, const char *entry, uint64_t sum[LIMIT_KINDS])
{
	struct book_event e;
	unsigned i;

	memset(sum, 0, LIMIT_KINDS * sizeof(sum[0]));
	for (i = 0; i < b->opens; i++) {
		if (strcmp(b->open[i].sum.entry, entry) != 0)
			continue;
		e = book_event_interrupted(&b->open[i]);
		sum[LIMIT_TOKENS] += e.sum.tokens[TOKENS_INPUT] + e.sum.tokens[TOKENS_OUTPUT];
		sum[LIMIT_MONEY] += e.sum.micros;
		sum[LIMIT_REQUESTS]++;
	}
}

static enum limit_kind refusal_kind(const struct limit_refusal *r)
{
	int kind;

	for (kind = 0; kind < LIMIT_KINDS - 1 && r->which.of[kind].most == 0; kind++)
		;
	return (enum limit_kind)kind;
}

/* own: what this request may use. */
static void refusal_explain(struct spending_refusal *out, const char *entry,
			    const struct limit_refusal *r, const uint64_t own[LIMIT_KINDS],
			    const struct limit_time *now)
{
	enum limit_kind kind = refusal_kind(r);
	char limit[LIMIT_WORDS], used[LIMIT_AMOUNT], takes[LIMIT_AMOUNT], until[32] = "?";
	time_t ends = (time_t)r->window.ends_local;
	struct tm tm;

	limit_describe(&r->which, limit);
	limit_format_amount(kind, r->used, used);
	limit_format_amount(kind, own[kind], takes);
	if (gmtime_r(&ends, &tm))
		strftime(until, sizeof(until), "%Y-%m-%d %H:%M", &tm);
	if (r->used >= r->which.of[kind].most)
		snprintf(out->message, sizeof(out->message),
			 "the limit of '%s' is reached: %s of %s used, until %s; ccctl limit %s "
			 "shows it",
			 entry, used, limit, until, entry);
	else
		snprintf(out->message, sizeof(out->message),
			 "the limit of '%s' has no room for this request: %s of %s used, it may "
			 "take %s, until %s; ccctl limit %s shows it",
			 entry, used, limit, takes, until, entry);
	out->retry = r->window.ends > now->epoch ? (uint64_t)(r->window.ends - now->epoch) : 1;
}

/* A limit in money is of no use where nobody knows what answers cost.  A model's first ones
 * may tell whether the provider says so, */
static bool cost_is_blind(const struct book_entry *entry, const struct book_event *e)
{
	return e->sum.unpriced && entry && rates_are_blind(&entry->rates);
}

/* but one after the other: any number at once would be within any limit.  Of all models, since
 * the session chooses their names. */
static bool cost_is_awaited(const struct book *b, const struct book_event *e)
{
	unsigned i;

	for (i = 0; e->sum.unpriced && i < b->opens; i++)
		if (b->open[i].sum.unpriced && strcmp(b->open[i].sum.entry, e->sum.entry) == 0)
			return true;
	return false;
}

/* Whose cost nobody knows, in words. */
static void unpriced_describe(const struct book_event *e, char out[UNPRICED_WORDS])
{
	if (e->sum.model[0])
		snprintf(out, UNPRICED_WORDS, "'%.100s'", e->sum.model);
	else
		snprintf(out, UNPRICED_WORDS, "a request that does not begin with its model");
}

int spending_refusal_check(const struct book *b, const struct limit *l, const struct book_event *e,
			   struct spending_refusal *out)
{
	const struct book_entry *entry = book_entry_find(b, e->sum.entry);
	static const struct limit_counters none;
	const struct limit_counters *c = entry ? &entry->counters : &none;
	uint64_t own[LIMIT_KINDS], all[LIMIT_KINDS];
	bool money = l->of[LIMIT_MONEY].most != 0;
	char what[UNPRICED_WORDS];
	struct limit_refusal r;
	int kind;

	unpriced_describe(e, what);
	if (money && cost_is_blind(entry, e))
		return spending_refuse(out, NO_PRICE_RETRY,
				       "nobody knows what %s costs, so its limit in money "
				       "cannot be kept: set [prices] in the provider's file, or a "
				       "limit in tokens",
				       what);
	if (!limit_is_set(l) || !control_active(CONTROL_LIMIT))
		return 0;
	own[LIMIT_TOKENS] = e->sum.tokens[TOKENS_INPUT] + e->sum.tokens[TOKENS_OUTPUT];
	own[LIMIT_MONEY] = e->sum.micros;
	own[LIMIT_REQUESTS] = 1;
	if (!limit_allows(l, c, own, &e->when, &r)) {
		refusal_explain(out, e->sum.entry, &r, own, &e->when);
		return -1;
	}
	if (money && cost_is_awaited(b, e))
		return spending_refuse(out, SPENDING_RETRY_SOON,
				       "nobody knows yet what %s costs, so it goes out alone where "
				       "a limit is in money, and another such request of '%s' is "
				       "under way: try again when that has ended",
				       what, e->sum.entry);
	opens_sum(b, e->sum.entry, all);
	for (kind = 0; kind < LIMIT_KINDS; kind++)
		all[kind] += own[kind];
	if (limit_allows(l, c, all, &e->when, &r))
		return 0;
	return spending_refuse(
		out, SPENDING_RETRY_SOON,
		"requests that are under way may use what is left of the limit of '%s': "
		"try again when they have ended",
		e->sum.entry);
}
