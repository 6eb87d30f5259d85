/*
 * broker/spending_book.c - what was used, in memory and in the ledger.
 */
#include "broker/spending_book.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "broker/vault_store.h"

#define VERSION 1
#define GROWTH (512 << 10) /* bytes of events, before the file is written as a whole again */

/* The kinds of lines. */
#define LINE_HEAD "ccrun-spending"
#define LINE_ENTRY "entry"
#define LINE_SUM "sum"
#define LINE_OPEN "open"
#define LINE_USED "used"
#define LINE_RENAME "rename"

uint32_t book_day(const struct limit_time *t)
{
	time_t local = (time_t)(t->epoch + t->utc_offset);
	struct tm tm;

	if (!gmtime_r(&local, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099)
		return 0;
	return (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
}

/* ---- lines ---- */

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

static void line_put_entry(struct ledger_line *l, struct book_entry *e)
{
	ledger_line_begin(l, LINE_ENTRY);
	ledger_line_text(l, e->name);
	line_put_counters(l, e->counters.window, e->counters.used);
	line_put_counters(l, e->counters.window_before, e->counters.used_before);
	ledger_line_number(l, e->reported_micros);
	ledger_line_number(l, e->reported_tokens);
	ledger_line_number(l, e->blind);
}

static void line_put_sum(struct ledger_line *l, const struct spent *s)
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

static void line_take_sum(struct ledger_fields *l, struct spent *s)
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
}

static void line_put_event(struct ledger_line *l, const char *kind, const struct book_event *e)
{
	ledger_line_begin(l, kind);
	ledger_line_signed(l, e->when.epoch);
	ledger_line_signed(l, e->when.utc_offset);
	ledger_line_number(l, e->id);
	ledger_line_number(l, e->reported);
	line_put_sum(l, &e->sum);
}

static void line_take_event(struct ledger_fields *l, struct book_event *e)
{
	memset(e, 0, sizeof(*e));
	e->when.epoch = ledger_take_signed(l);
	e->when.utc_offset = (int32_t)ledger_take_signed(l);
	e->id = ledger_take_number(l);
	e->reported = ledger_take_number(l) != 0;
	line_take_sum(l, &e->sum);
}

/* ---- the state ---- */

struct book_entry *book_entry_find(const struct book *b, const char *name)
{
	unsigned i;

	for (i = 0; i < b->entries; i++)
		if (strcmp(b->entry[i].name, name) == 0)
			return &b->entry[i];
	return NULL;
}

struct book_entry *book_entry_make(struct book *b, const char *name)
{
	struct book_entry *e = book_entry_find(b, name), *grown;

	if (e || b->entries == BOOK_ENTRIES_MAX)
		return e;
	/* In steps of 8: there are few entries. */
	if (b->entries % 8 == 0) {
		grown = realloc(b->entry, (b->entries + 8) * sizeof(*grown));
		if (!grown)
			return NULL;
		b->entry = grown;
	}
	e = &b->entry[b->entries++];
	memset(e, 0, sizeof(*e));
	snprintf(e->name, sizeof(e->name), "%s", name);
	return e;
}

/* One that is under way.  NULL: there is none. */
static const struct book_event *open_find(const struct book *b, const char *session, uint64_t id)
{
	unsigned i;

	for (i = 0; i < b->opens; i++)
		if (b->open[i].id == id && strcmp(b->open[i].sum.session, session) == 0)
			return &b->open[i];
	return NULL;
}

static int open_add(struct book *b, const struct book_event *e)
{
	unsigned room = b->open_room ? b->open_room * 2 : 16;
	struct book_event *grown;

	if (b->opens == b->open_room) {
		grown = realloc(b->open, room * sizeof(*grown));
		if (!grown)
			return -1;
		b->open = grown;
		b->open_room = room;
	}
	b->open[b->opens++] = *e;
	return 0;
}

static void open_end(struct book *b, const char *session, uint64_t id)
{
	const struct book_event *e = open_find(b, session, id);

	if (e)
		b->open[e - b->open] = b->open[--b->opens];
}

static uint64_t tokens_total(const struct spent *s)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < TOKEN_KINDS; i++)
		if (__builtin_add_overflow(sum, s->tokens[i], &sum))
			return UINT64_MAX;
	return sum;
}

/* Count in memory.  -1: no memory, and nothing is counted. */
static int event_apply(struct book *b, const struct book_event *e)
{
	struct book_entry *entry = book_entry_make(b, e->sum.entry);
	uint64_t used[LIMIT_KINDS] = { [LIMIT_TOKENS] = tokens_total(&e->sum),
				       [LIMIT_MONEY] = e->sum.micros,
				       [LIMIT_REQUESTS] = e->sum.requests };

	if (!entry || spent_add(&b->table, &e->sum) != 0)
		return -1;
	limit_count(&entry->counters, used, &e->when);
	open_end(b, e->sum.session, e->id);
	if (e->sum.estimated)
		return 0;
	if (e->sum.unpriced)
		entry->blind = true;
	if (!e->reported)
		return 0;
	entry->blind = false;
	/* Halved long before they could overflow: only their ratio is asked for. */
	if (entry->reported_tokens > UINT64_MAX / 8 || entry->reported_micros > UINT64_MAX / 8) {
		entry->reported_tokens /= 2;
		entry->reported_micros /= 2;
	}
	entry->reported_tokens += used[LIMIT_TOKENS] < UINT32_MAX ? used[LIMIT_TOKENS] : UINT32_MAX;
	entry->reported_micros += used[LIMIT_MONEY] < UINT32_MAX ? used[LIMIT_MONEY] : UINT32_MAX;
	return 0;
}

/* ---- writing the file as a whole ---- */

struct text {
	char *p;
	size_t n, room;
};

static int text_add_line(struct text *t, struct ledger_line *l, struct failure *f)
{
	size_t room = t->room ? t->room * 2 : 16384;
	char *grown;

	if (ledger_line_end(l, f) != 0)
		return -1;
	if (t->room - t->n < l->n) {
		grown = realloc(t->p, room);
		if (!grown)
			return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a file");
		t->p = grown;
		t->room = room;
	}
	memcpy(t->p + t->n, l->text, l->n);
	t->n += l->n;
	return 0;
}

static int book_format(struct book *b, struct text *t, struct failure *f)
{
	struct ledger_line l;
	unsigned i;

	ledger_line_begin(&l, LINE_HEAD);
	ledger_line_number(&l, VERSION);
	ledger_line_number(&l, b->since);
	ledger_line_number(&l, b->damaged);
	if (text_add_line(t, &l, f) != 0)
		return -1;
	for (i = 0; i < b->entries; i++) {
		line_put_entry(&l, &b->entry[i]);
		if (text_add_line(t, &l, f) != 0)
			return -1;
	}
	for (i = 0; i < b->table.n; i++) {
		ledger_line_begin(&l, LINE_SUM);
		line_put_sum(&l, &b->table.row[i]);
		if (text_add_line(t, &l, f) != 0)
			return -1;
	}
	for (i = 0; i < b->opens; i++) {
		line_put_event(&l, LINE_OPEN, &b->open[i]);
		if (text_add_line(t, &l, f) != 0)
			return -1;
	}
	return 0;
}

static int book_write(struct book *b, struct failure *f)
{
	struct text t = { 0 };
	int r = book_format(b, &t, f);

	if (r == 0)
		r = ledger_replace(&b->ledger, t.p, t.n, f);
	if (r == 0)
		b->whole = t.n;
	free(t.p);
	return r;
}

/* The event that l tells of is applied already: if it cannot be appended, the whole
 * state is written, which has it too. */
static int book_append(struct book *b, struct ledger_line *l, struct failure *f)
{
	if (b->ledger.fd >= 0 && b->ledger.size < b->whole + GROWTH &&
	    ledger_append(&b->ledger, l, NULL) == 0)
		return 0;
	return book_write(b, f);
}

/* ---- events ---- */

int book_reserve(struct book *b, const struct book_event *e, struct failure *f)
{
	struct ledger_line l;

	if (open_add(b, e) != 0)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a request");
	line_put_event(&l, LINE_OPEN, e);
	if (book_append(b, &l, f) == 0)
		return 0;
	b->opens--;
	return -1;
}

int book_count(struct book *b, const struct book_event *e, struct failure *f)
{
	struct ledger_line l;

	if (event_apply(b, e) != 0)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory to count a request");
	line_put_event(&l, LINE_USED, e);
	return book_append(b, &l, f);
}

static void entry_rename(struct book *b, const char *from, const char *to)
{
	struct book_entry *e = book_entry_find(b, from), *other = book_entry_find(b, to);
	unsigned i;

	/* What an entry of that name used once belongs to nobody any more. */
	if (e && other)
		snprintf(other->name, sizeof(other->name), "%s", from);
	if (e)
		snprintf(e->name, sizeof(e->name), "%s", to);
	for (i = 0; i < b->opens; i++)
		if (strcmp(b->open[i].sum.entry, from) == 0)
			snprintf(b->open[i].sum.entry, sizeof(b->open[i].sum.entry), "%s", to);
}

int book_rename(struct book *b, const char *from, const char *to, struct failure *f)
{
	struct ledger_line l;

	entry_rename(b, from, to);
	ledger_line_begin(&l, LINE_RENAME);
	ledger_line_text(&l, from);
	ledger_line_text(&l, to);
	return book_append(b, &l, f);
}

void book_sync(struct book *b, int64_t now)
{
	if (ledger_sync(&b->ledger, now, false, NULL) != 0)
		book_write(b, NULL);
}

/* ---- reading the file ---- */

static bool head_read(struct book *b, struct ledger_fields *l)
{
	if (ledger_take_number(l) != VERSION)
		return false;
	b->since = ledger_take_number(l);
	b->damaged = ledger_take_number(l);
	return !l->bad;
}

static bool entry_read(struct book *b, struct ledger_fields *l)
{
	struct book_entry read = { 0 }, *e;

	ledger_take_text(l, read.name, sizeof(read.name));
	line_take_counters(l, read.counters.window, read.counters.used);
	line_take_counters(l, read.counters.window_before, read.counters.used_before);
	read.reported_micros = ledger_take_number(l);
	read.reported_tokens = ledger_take_number(l);
	read.blind = ledger_take_number(l) != 0;
	e = l->bad ? NULL : book_entry_make(b, read.name);
	if (e)
		*e = read;
	return e != NULL;
}

static bool line_read(struct book *b, char *line, bool first)
{
	char from[NAME_MAX_LEN + 1], to[NAME_MAX_LEN + 1];
	struct ledger_fields l;
	struct book_event e = { 0 };
	const char *kind;

	if (!ledger_split(line, &l))
		return false;
	kind = l.at[0];
	if (first)
		return strcmp(kind, LINE_HEAD) == 0 && head_read(b, &l);
	if (strcmp(kind, LINE_ENTRY) == 0)
		return entry_read(b, &l);
	if (strcmp(kind, LINE_SUM) == 0) {
		line_take_sum(&l, &e.sum);
		return !l.bad && spent_add(&b->table, &e.sum) == 0;
	}
	if (strcmp(kind, LINE_OPEN) == 0) {
		line_take_event(&l, &e);
		return !l.bad && open_add(b, &e) == 0;
	}
	if (strcmp(kind, LINE_USED) == 0) {
		line_take_event(&l, &e);
		return !l.bad && event_apply(b, &e) == 0;
	}
	if (strcmp(kind, LINE_RENAME) == 0) {
		ledger_take_text(&l, from, sizeof(from));
		ledger_take_text(&l, to, sizeof(to));
		if (!l.bad)
			entry_rename(b, from, to);
		return !l.bad;
	}
	return false;
}

/* Apply all good lines.  Returns how many are damaged.  A last line without its end is
 * none: a crash cut it, before what it tells of happened. */
static unsigned text_read(struct book *b, char *text, size_t n)
{
	char *line = text, *end;
	unsigned bad = 0;

	for (; (end = memchr(line, '\n', (size_t)(text + n - line))); line = end + 1) {
		*end = '\0';
		bad += !line_read(b, line, line == text);
	}
	/* Not even the first line: it was cut, since it is written with the file. */
	return line == text ? 1 : bad;
}

/* What was under way when the broker ended, by its estimate, at its own time. */
static void count_interrupted(struct book *b)
{
	struct book_event e;

	while (b->opens > 0) {
		e = b->open[b->opens - 1];
		e.sum.estimated = 1;
		if (event_apply(b, &e) != 0)
			b->opens--;
	}
}

/* The whole file.  0 (*text NULL: there is none) or -1. */
static int file_read(struct book *b, char **text, size_t *n, struct failure *f)
{
	enum store_read_result r;

	*n = 0;
	*text = malloc(LEDGER_MAX);
	if (!*text)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a file");
	r = store_read_beside(b->ledger.store, STORE_SPENDING, *text, LEDGER_MAX, n, f);
	if (r == STORE_READ_DONE)
		return 0;
	free(*text);
	*text = NULL;
	return r == STORE_READ_ABSENT ? 0 : -1;
}

bool book_exists(const struct vault_store *store)
{
	return faccessat(store->dir, STORE_SPENDING, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int book_open(struct book *b, const struct vault_store *store, const struct limit_time *now,
	      const char **news, struct failure *f)
{
	struct failure why = { 0 };
	struct limit_time oldest = *now;
	char *text = NULL;
	size_t n;
	bool bad;

	memset(b, 0, sizeof(*b));
	*news = NULL;
	b->ledger.store = store;
	b->ledger.leaf = STORE_SPENDING;
	b->ledger.fd = -1;
	b->since = (uint64_t)now->epoch;
	bad = file_read(b, &text, &n, &why) != 0;
	if (bad && why.code == FAIL_NO_MEMORY) {
		if (f)
			*f = why;
		return -1;
	}
	if (text)
		bad = text_read(b, text, n) != 0;
	else if (!bad)
		*news = "there is no file of numbers: counting begins";
	free(text);
	if (bad) {
		*news = "a damaged file of numbers was set aside as " STORE_SPENDING_DAMAGED;
		b->damaged = (uint64_t)now->epoch;
		if (store_rename_beside(store, STORE_SPENDING, STORE_SPENDING_DAMAGED, f) != 0) {
			book_close(b);
			return -1;
		}
	}
	count_interrupted(b);
	oldest.epoch -= (int64_t)SPENT_DAYS * 86400;
	spent_drop_before(&b->table, book_day(&oldest));
	if (book_write(b, f) == 0)
		return 0;
	book_close(b);
	return -1;
}

void book_close(struct book *b)
{
	unsigned i;

	ledger_close(&b->ledger);
	for (i = 0; i < b->entries; i++)
		free(b->entry[i].prices);
	free(b->entry);
	free(b->open);
	spent_free(&b->table);
	memset(b, 0, sizeof(*b));
	b->ledger.fd = -1;
}
