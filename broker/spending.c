/*
 * broker/spending.c - reserve, settle, refuse.
 */
#include "broker/spending.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/fail.h"
#include "base/utf8.h"
#include "broker/price.h"
#include "broker/spending_book.h"
#include "broker/spending_file.h"
#include "broker/tenant.h"
#include "vault/entries.h"
#include "wire/policy.h"

#define CLOCK_SLACK 600 /* seconds that a clock may be put right by without a note */
#define RETRY_SOON 5	/* seconds; requests that are under way may have ended by then */
/* An answer without numbers: a byte stands for a character, four of them for a token. */
#define ANSWER_BYTES_PER_TOKEN 4
#define ESTIMATE_MAX (UINT64_C(1) << 50) /* micro-dollars; the sum of all reserved fits */

/* ---- the state ---- */

static void note_in_log(struct tenant *t, const char *event, const char *why)
{
	struct audit_event e = { .event = event, .result = "done", .why = why };

	audit_write(&t->audit, &e, NULL);
}

/* Local time, by the system's zone as it is now: who travels changes it. */
static struct limit_time time_read(void)
{
	struct limit_time now = { .epoch = clock_wall() };
	time_t epoch = (time_t)now.epoch;
	struct tm tm;

	tzset();
	if (localtime_r(&epoch, &tm))
		now.utc_offset = (int32_t)tm.tm_gmtoff;
	return now;
}

struct limit_time spending_now(struct tenant *t)
{
	struct limit_time now = time_read();
	int64_t ms = clock_now_ms(), off;
	char why[80];

	off = now.epoch - t->wall_last - (ms - t->wall_last_ms) / 1000;
	if (t->wall_last && (off > CLOCK_SLACK || off < -CLOCK_SLACK)) {
		snprintf(why, sizeof(why), "the clock was set %s by %" PRId64 " seconds",
			 off > 0 ? "forward" : "back", off > 0 ? off : -off);
		note_in_log(t, "clock", why);
	}
	t->wall_last = now.epoch;
	t->wall_last_ms = ms;
	return now;
}

struct book *spending_book(struct tenant *t, struct failure *f)
{
	struct limit_time now;
	const char *news;

	if (t->book)
		return t->book;
	t->book = calloc(1, sizeof(*t->book));
	if (!t->book) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for numbers");
		return NULL;
	}
	now = spending_now(t);
	if (book_open(t->book, &t->store, &now, &news, f) != 0) {
		free(t->book);
		t->book = NULL;
		return NULL;
	}
	if (news)
		note_in_log(t, "spending", news);
	return t->book;
}

void spending_sync(struct tenant *t, int64_t now)
{
	if (t->book)
		book_sync(t->book, now);
}

void spending_close(struct tenant *t)
{
	if (t->book)
		book_close(t->book);
	free(t->book);
	t->book = NULL;
}

int spending_limit_of(const struct tenant *t, const char *entry, struct limit *out,
		      struct failure *f)
{
	const struct vault *v = t->vault ? t->vault : t->kept;
	const struct entry *e = v ? vault_find(v, entry) : NULL;
	struct policy p;

	if (!v || (!e && !t->vault))
		return fail_set(f, FAIL_LOCKED, "ccctl unlock", "the vault is locked");
	if (!e)
		return fail_set(f, FAIL_NO_ENTRY, "ccctl keys lists them", "there is no entry '%s'",
				entry);
	if (policy_parse(&p, e->policy, f) != 0)
		return -1;
	*out = p.limit;
	return 0;
}

bool spending_limited(const struct tenant *t, const char *entry)
{
	struct limit l;

	return spending_limit_of(t, entry, &l, NULL) != 0 || limit_is_set(&l);
}

/* ---- texts ---- */

/* Into out, cut; ascii: with '?' for what is not printable ASCII, else for control
 * characters and what is no UTF-8. */
static void text_clean(char *out, size_t size, const char *text, bool ascii)
{
	size_t i, n = text ? strlen(text) : 0;
	bool valid;

	if (n >= size)
		n = size - 1;
	/* Not in the middle of a character. */
	while (text && n > 0 && utf8_is_continuation(text[n]))
		n--;
	valid = n == 0 || utf8_valid(text, n);
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		out[i] = utf8_control(text + i, n - i) || (c >= 0x7f && (ascii || !valid))
				 ? '?'
				 : (char)c;
		/* The second byte of a control character is no character by itself. */
		if (c == 0xc2 && out[i] == '?' && !ascii && valid)
			out[++i] = '?';
	}
	out[n] = '\0';
}

/* ---- estimates ---- */

/* What so many tokens may cost: by the price, else by what the provider said that earlier
 * answers cost.  False: nobody knows. */
static bool cost_estimate(const struct book_entry *e, const char *model, const struct spent *s,
			  uint64_t *micros)
{
	const struct prices *p = price_list_find(e ? e->prices : NULL, model);
	struct token_counts counts;
	double micros_per_token, sum;
	uint64_t total = 0;
	int i;

	for (i = 0; i < TOKEN_KINDS; i++) {
		counts.n[i] = s->tokens[i];
		counts.known[i] = true;
		total += s->tokens[i] < UINT32_MAX ? s->tokens[i] : UINT32_MAX;
	}
	if (p && price_cost(p, &counts, micros)) {
		if (*micros > ESTIMATE_MAX)
			*micros = ESTIMATE_MAX;
		return true;
	}
	if (!e || e->reported_tokens == 0)
		return false;
	micros_per_token = (double)e->reported_micros / (double)e->reported_tokens;
	sum = (double)total * micros_per_token + 1;
	*micros = sum < ESTIMATE_MAX ? (uint64_t)sum : ESTIMATE_MAX;
	return true;
}

static uint64_t input_estimate(uint64_t body_bytes)
{
	uint64_t n = body_bytes / SPENDING_BYTES_PER_TOKEN + 1;

	return body_bytes == 0 || n > SPENDING_INPUT_MAX ? SPENDING_INPUT_MAX : n;
}

static void event_estimate(struct book_event *e, const struct book_entry *entry,
			   uint64_t body_bytes)
{
	e->sum.tokens[TOKENS_INPUT] = input_estimate(body_bytes);
	e->sum.tokens[TOKENS_OUTPUT] = SPENDING_OUTPUT;
	if (!cost_estimate(entry, e->sum.model, &e->sum, &e->sum.micros)) {
		e->sum.micros = 0;
		e->sum.unpriced = 1;
	}
}

/* ---- before a request ---- */

/* What the entry's other requests that are under way may use. */
static void opens_sum(const struct book *b, const char *entry, uint64_t sum[LIMIT_KINDS])
{
	const struct book_event *e;
	unsigned i;

	memset(sum, 0, LIMIT_KINDS * sizeof(sum[0]));
	for (i = 0; i < b->opens; i++) {
		e = &b->open[i];
		if (strcmp(e->sum.entry, entry) != 0)
			continue;
		sum[LIMIT_TOKENS] += e->sum.tokens[TOKENS_INPUT] + e->sum.tokens[TOKENS_OUTPUT];
		sum[LIMIT_MONEY] += e->sum.micros;
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

/* Say that a limit refuses.  own: what this request may use. */
static void refusal_explain(struct spending_refusal *out, const char *entry,
			    const struct limit_refusal *r, const uint64_t own[LIMIT_KINDS],
			    const struct limit_time *now)
{
	enum limit_kind kind = refusal_kind(r);
	char limit[LIMIT_TEXT], used[LIMIT_AMOUNT], takes[LIMIT_AMOUNT], until[32] = "?";
	time_t ends = (time_t)r->window.ends_local;
	struct tm tm;

	limit_format(&r->which, limit);
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

static int refuse(struct spending_refusal *out, uint64_t retry, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct spending_refusal *out, uint64_t retry, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(out->message, sizeof(out->message), fmt, args);
	va_end(args);
	out->retry = retry;
	return -1;
}

/* A limit in money is of no use where nobody knows what answers cost.  The first one may
 * tell whether the provider says so. */
static bool cost_is_blind(const struct limit *l, const struct book_entry *e, const char *model)
{
	return l->of[LIMIT_MONEY].most && e && e->blind && !price_list_find(e->prices, model);
}

static int limit_check(struct book *b, const struct limit *l, const struct book_event *e,
		       struct spending_refusal *out)
{
	const struct book_entry *entry = book_entry_find(b, e->sum.entry);
	static const struct limit_counters none;
	const struct limit_counters *c = entry ? &entry->counters : &none;
	uint64_t own[LIMIT_KINDS], all[LIMIT_KINDS];
	struct limit_refusal r;
	int kind;

	if (!control_active(CONTROL_LIMIT))
		return 0;
	own[LIMIT_TOKENS] = e->sum.tokens[TOKENS_INPUT] + e->sum.tokens[TOKENS_OUTPUT];
	own[LIMIT_MONEY] = e->sum.micros;
	own[LIMIT_REQUESTS] = 1;
	if (!limit_allows(l, c, own, &e->when, &r)) {
		refusal_explain(out, e->sum.entry, &r, own, &e->when);
		return -1;
	}
	opens_sum(b, e->sum.entry, all);
	for (kind = 0; kind < LIMIT_KINDS; kind++)
		all[kind] += own[kind];
	if (limit_allows(l, c, all, &e->when, &r))
		return 0;
	return refuse(out, RETRY_SOON,
		      "requests that are under way may use what is left of the limit of '%s': "
		      "try again when they have ended",
		      e->sum.entry);
}

static void event_begin(struct tenant *t, struct book_event *e, const char *entry,
			const char *session, const char *model)
{
	memset(e, 0, sizeof(*e));
	e->when = spending_now(t);
	e->sum.day = book_day(&e->when);
	e->sum.requests = 1;
	text_clean(e->sum.entry, sizeof(e->sum.entry), entry, true);
	text_clean(e->sum.session, sizeof(e->sum.session), session, true);
	text_clean(e->sum.model, sizeof(e->sum.model), model, true);
}

int spending_reserve(struct tenant *t, const char *entry, const char *session, uint64_t id,
		     uint64_t body_bytes, const char *model, struct spending_refusal *out)
{
	struct failure f = { 0 };
	struct book *b = spending_book(t, &f);
	const struct spent *earlier;
	struct book_entry *be;
	struct book_event e;
	struct limit l;

	memset(out, 0, sizeof(*out));
	if (!b || spending_limit_of(t, entry, &l, &f) != 0)
		return refuse(out, RETRY_SOON, "%s", f.what);
	if (b->opens >= SPENDING_RESERVATIONS)
		return refuse(out, RETRY_SOON, "too many requests are under way");
	event_begin(t, &e, entry, session, model);
	e.id = id;
	earlier = spent_of_session(&b->table, e.sum.session);
	if (earlier) {
		memcpy(e.sum.provider, earlier->provider, sizeof(e.sum.provider));
		memcpy(e.sum.project, earlier->project, sizeof(e.sum.project));
	}
	be = book_entry_find(b, entry);
	event_estimate(&e, be, body_bytes);
	if (cost_is_blind(&l, be, e.sum.model))
		return refuse(out, 3600,
			      "nobody knows what '%.100s' costs, so its limit in money cannot be "
			      "kept: set [prices] in the provider's file, or a limit in tokens",
			      e.sum.model);
	if (limit_is_set(&l) && limit_check(b, &l, &e, out) != 0)
		return -1;
	if (book_reserve(b, &e, &f) != 0 && limit_is_set(&l))
		return refuse(out, RETRY_SOON, "this request cannot be counted: %s", f.what);
	return 0;
}

/* ---- after it ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* A whole answer may bear no numbers, or none that can be: they are no use of nothing. */
static bool numbers_are_there(const struct use *u)
{
	return u->complete && u->known[TOKENS_INPUT] && u->known[TOKENS_OUTPUT];
}

/* Of an answer without all its numbers, as one that was cut off, the larger of numbers and
 * estimate; the input and the output each, since the input's numbers come first. */
static void tokens_estimate(struct book_event *e, const struct use *u)
{
	uint64_t *n = e->sum.tokens, cached = n[TOKENS_CACHE_READ] + n[TOKENS_CACHE_WRITE];
	uint64_t input = input_estimate(u->request_bytes);

	if (n[TOKENS_INPUT] + cached < input)
		n[TOKENS_INPUT] = input - cached;
	n[TOKENS_OUTPUT] = larger(larger(n[TOKENS_OUTPUT], SPENDING_OUTPUT),
				  u->answer_bytes / ANSWER_BYTES_PER_TOKEN);
	e->sum.estimated = 1;
}

static void cost_count(struct book_event *e, const struct use *u, const struct book_entry *entry)
{
	const struct prices *p = price_list_find(entry ? entry->prices : NULL, e->sum.model);
	struct token_counts counts;

	if (u->has_cost && !e->sum.estimated) {
		e->sum.micros = u->cost_micros;
		e->reported = true;
		return;
	}
	memcpy(counts.n, u->tokens, sizeof(counts.n));
	memcpy(counts.known, u->known, sizeof(counts.known));
	if (!e->sum.estimated && p && price_cost(p, &counts, &e->sum.micros)) {
		e->sum.unpriced = u->surcharged;
		return;
	}
	if (e->sum.estimated && cost_estimate(entry, e->sum.model, &e->sum, &e->sum.micros)) {
		e->sum.micros = larger(e->sum.micros, u->has_cost ? u->cost_micros : 0);
		return;
	}
	e->sum.micros = u->has_cost ? u->cost_micros : 0;
	e->sum.unpriced = 1;
}

int spending_settle(struct tenant *t, const struct use *u, uint64_t id, struct spent *counted,
		    struct failure *f)
{
	struct book *b = spending_book(t, f);
	struct book_event e;
	int i;

	if (counted)
		memset(counted, 0, sizeof(*counted));
	if (!b)
		return -1;
	event_begin(t, &e, u->entry, u->session, u->model);
	e.id = id;
	text_clean(e.sum.provider, sizeof(e.sum.provider), u->provider, true);
	text_clean(e.sum.project, sizeof(e.sum.project), u->project, false);
	/* A refused one costs nothing.  Of one whose answer did not come, nobody knows. */
	if (u->billed && (u->status == 0 || u->status / 100 == 2)) {
		for (i = 0; i < TOKEN_KINDS; i++)
			e.sum.tokens[i] = u->tokens[i] < UINT32_MAX ? u->tokens[i] : UINT32_MAX;
		if (!numbers_are_there(u))
			tokens_estimate(&e, u);
		cost_count(&e, u, book_entry_find(b, e.sum.entry));
	}
	if (counted)
		*counted = e.sum;
	return book_count(b, &e, f);
}

void spending_release_session(struct tenant *t, const char *session)
{
	struct limit_time now;
	struct book_event e;
	unsigned i;

	if (!t->book || t->book->opens == 0)
		return;
	now = spending_now(t);
	for (i = t->book->opens; i-- > 0;) {
		e = t->book->open[i];
		if (strcmp(e.sum.session, session) != 0)
			continue;
		e.when = now;
		e.sum.day = book_day(&now);
		e.sum.estimated = 1;
		/* Counting ends the reservation, and moves the last one to its place. */
		(void)book_count(t->book, &e, NULL);
	}
}

/* ---- about entries ---- */

void spending_set_prices(struct tenant *t, const char *entry, const struct price_list *prices)
{
	struct book *b = spending_book(t, NULL);
	struct book_entry *e = b ? book_entry_make(b, entry) : NULL;

	if (!e)
		return;
	if (!e->prices)
		e->prices = malloc(sizeof(*e->prices));
	if (e->prices)
		*e->prices = *prices;
}

void spending_rename(struct tenant *t, const char *from, const char *to)
{
	struct book *b = t->book || book_exists(&t->store) ? spending_book(t, NULL) : NULL;

	if (b)
		(void)book_rename(b, from, to, NULL);
}
