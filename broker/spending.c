/*
 * broker/spending.c - reserve and settle.
 */
#include "broker/spending.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/utf8.h"
#include "broker/policy.h"
#include "broker/price_list.h"
#include "broker/spending_book.h"
#include "broker/spending_cost.h"
#include "broker/spending_file.h"
#include "broker/spending_refusal.h"
#include "broker/tenant.h"
#include "vault/entries.h"
#include "wire/policy.h"

#define CLOCK_SLACK 600 /* seconds that a clock may be put right by without a note */

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

static int policy_of_entry(const struct tenant *t, const char *entry, struct policy *out,
			   struct failure *f)
{
	const struct vault *v = t->vault ? t->vault : t->kept;
	const struct entry *e = v ? vault_find(v, entry) : NULL;

	if (!v || (!e && !t->vault))
		return fail_set(f, FAIL_LOCKED, "ccctl unlock", "the vault is locked");
	if (!e)
		return fail_set(f, FAIL_NO_ENTRY, "ccctl keys lists them", "there is no entry '%s'",
				entry);
	return policy_parse(out, e->policy, f);
}

int spending_limit_of(const struct tenant *t, const char *entry, struct limit *out,
		      struct failure *f)
{
	struct policy p;

	if (policy_of_entry(t, entry, &p, f) != 0)
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

/* ---- before a request ---- */

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

/*
 * The prices came with a session that was allowed to bring them.  The entry may have got a limit in
 * money since, or another seal: what that does not have is not counted by.
 */
static void entry_drop_other_prices(struct book_entry *e, const struct policy *p)
{
	if (!e || !e->prices || policy_prices_hold(p, e->prices->digest))
		return;
	free(e->prices);
	e->prices = NULL;
}

int spending_reserve(struct tenant *t, const char *entry, const char *session, uint64_t id,
		     uint64_t body_bytes, const char *model, struct spending_refusal *out)
{
	struct failure f = { 0 };
	struct book *b = spending_book(t, &f);
	const struct spent *earlier;
	struct book_event e;
	struct policy p;

	memset(out, 0, sizeof(*out));
	if (!b || policy_of_entry(t, entry, &p, &f) != 0)
		return spending_refuse(out, SPENDING_RETRY_SOON, "%s", f.what);
	if (b->opens >= SPENDING_RESERVATIONS)
		return spending_refuse(out, SPENDING_RETRY_SOON, "too many requests are under way");
	/* Before anything of it goes out: a name without a place in the book is not counted. */
	if (limit_is_set(&p.limit) && !book_entry_make(b, entry))
		return spending_refuse(out, SPENDING_RETRY_SOON,
				       "this request cannot be counted: there are more than %d "
				       "names with numbers",
				       BOOK_ENTRIES_MAX);
	entry_drop_other_prices(book_entry_find(b, entry), &p);
	event_begin(t, &e, entry, session, model);
	e.id = id;
	earlier = spent_of_session(&b->table, e.sum.session);
	if (earlier) {
		memcpy(e.sum.provider, earlier->provider, sizeof(e.sum.provider));
		memcpy(e.sum.project, earlier->project, sizeof(e.sum.project));
	}
	spending_cost_estimate(&e, book_entry_find(b, entry), body_bytes);
	if (spending_refusal_check(b, &p.limit, &e, out) != 0)
		return -1;
	if (book_reserve(b, &e, &f) != 0 && limit_is_set(&p.limit))
		return spending_refuse(out, SPENDING_RETRY_SOON,
				       "this request cannot be counted: %s", f.what);
	return 0;
}

/* ---- after it ---- */

int spending_settle(struct tenant *t, const struct use *u, uint64_t id, struct spent *counted,
		    struct failure *f)
{
	struct book *b = spending_book(t, f);
	struct book_event e;

	if (counted)
		memset(counted, 0, sizeof(*counted));
	if (!b)
		return -1;
	event_begin(t, &e, u->entry, u->session, u->model);
	e.id = id;
	text_clean(e.sum.provider, sizeof(e.sum.provider), u->provider, true);
	text_clean(e.sum.project, sizeof(e.sum.project), u->project, false);
	spending_cost_count(&e, b, u);
	if (counted)
		*counted = e.sum;
	return book_count(b, &e, f);
}

void spending_pass(struct tenant *t, const char *session, uint64_t id, uint64_t answer_bytes,
		   uint64_t tokens)
{
	const struct book_event *e = t->book ? book_open_find(t->book, session, id) : NULL;
	uint64_t output, micros;

	if (!e)
		return;
	spending_cost_of_passed(e, book_entry_find(t->book, e->sum.entry), answer_bytes, tokens,
				&output, &micros);
	(void)book_pass(t->book, session, id, output, micros, NULL);
}

void spending_release_session(struct tenant *t, const char *session,
			      void (*counted)(void *arg, const struct spent *sum), void *arg)
{
	struct limit_time now;
	struct book_event e;
	unsigned i;

	if (!t->book || t->book->opens == 0)
		return;
	now = spending_now(t);
	for (i = t->book->opens; i-- > 0;) {
		if (strcmp(t->book->open[i].sum.session, session) != 0)
			continue;
		e = book_event_interrupted(&t->book->open[i]);
		e.when = now;
		e.sum.day = book_day(&now);
		if (counted)
			counted(arg, &e.sum);
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
