/*
 * broker/spending_file.c - the book in its ledger: read, appended to, written as a whole.
 */
#include "broker/spending_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "broker/spending_book.h"
#include "broker/spending_line.h"
#include "broker/vault_store.h"

#define GROWTH (512 << 10) /* bytes of events, before the file is written as a whole again */

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

static int text_add_entry(struct text *t, struct book_entry *e, struct failure *f)
{
	struct ledger_line l;
	unsigned i;

	spending_line_put_entry(&l, e);
	if (text_add_line(t, &l, f) != 0)
		return -1;
	for (i = 0; i < e->rates.n; i++) {
		spending_line_put_rate(&l, e->name, &e->rates.of[i]);
		if (text_add_line(t, &l, f) != 0)
			return -1;
	}
	return 0;
}

static int text_format(struct book *b, struct text *t, struct failure *f)
{
	struct ledger_line l;
	unsigned i;

	spending_line_put_head(&l, b);
	if (text_add_line(t, &l, f) != 0)
		return -1;
	for (i = 0; i < b->entries; i++)
		if (text_add_entry(t, &b->entry[i], f) != 0)
			return -1;
	for (i = 0; i < b->table.n; i++) {
		spending_line_put_sum(&l, &b->table.row[i]);
		if (text_add_line(t, &l, f) != 0)
			return -1;
	}
	for (i = 0; i < b->opens; i++) {
		spending_line_put_event(&l, SPENDING_LINE_OPEN, &b->open[i]);
		if (text_add_line(t, &l, f) != 0)
			return -1;
		spending_line_put_passed(&l, &b->open[i]);
		if (b->open[i].passed_output && text_add_line(t, &l, f) != 0)
			return -1;
	}
	return 0;
}

static int book_write(struct book *b, struct failure *f)
{
	struct text t = { 0 };
	int r = text_format(b, &t, f);

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

	if (book_open_add(b, e) != 0)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a request");
	spending_line_put_event(&l, SPENDING_LINE_OPEN, e);
	if (book_append(b, &l, f) == 0)
		return 0;
	b->opens--;
	return -1;
}

int book_pass(struct book *b, const char *session, uint64_t id, uint64_t output, uint64_t micros,
	      struct failure *f)
{
	struct ledger_line l;

	if (!book_open_raise(b, session, id, output, micros))
		return 0;
	spending_line_put_passed(&l, book_open_find(b, session, id));
	return book_append(b, &l, f);
}

int book_count(struct book *b, const struct book_event *e, struct failure *f)
{
	struct ledger_line l;

	if (book_event_apply(b, e) != 0)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory to count a request");
	spending_line_put_event(&l, SPENDING_LINE_USED, e);
	return book_append(b, &l, f);
}

int book_rename(struct book *b, const char *from, const char *to, struct failure *f)
{
	struct ledger_line l;

	book_entry_rename(b, from, to);
	spending_line_put_rename(&l, from, to);
	return book_append(b, &l, f);
}

void book_sync(struct book *b, int64_t now)
{
	if (ledger_sync(&b->ledger, now, false, NULL) != 0)
		book_write(b, NULL);
}

/* ---- reading the file ---- */

static bool entry_read(struct book *b, struct ledger_fields *l)
{
	struct book_entry read, *e;

	if (!spending_line_take_entry(l, &read))
		return false;
	e = book_entry_make(b, read.name);
	if (!e)
		return false;
	e->counters = read.counters;
	e->rates.lost = read.rates.lost;
	return true;
}

static bool rate_read(struct book *b, struct ledger_fields *l)
{
	char name[NAME_MAX_LEN + 1];
	struct book_rate rate;
	struct book_entry *e;

	if (!spending_line_take_rate(l, name, &rate))
		return false;
	e = book_entry_make(b, name);
	if (e)
		rates_restore(&e->rates, &rate);
	return e != NULL;
}

static bool rename_read(struct book *b, struct ledger_fields *l)
{
	char from[NAME_MAX_LEN + 1], to[NAME_MAX_LEN + 1];

	if (!spending_line_take_rename(l, from, to))
		return false;
	book_entry_rename(b, from, to);
	return true;
}

static bool passed_read(struct book *b, struct ledger_fields *l)
{
	struct book_event e = { 0 };

	if (!spending_line_take_passed(l, &e))
		return false;
	(void)book_open_raise(b, e.sum.session, e.id, e.passed_output, e.passed_micros);
	return true;
}

static bool line_read(struct book *b, char *line, bool first)
{
	struct ledger_fields l;
	struct book_event e = { 0 };
	const char *kind;

	if (!ledger_split(line, &l))
		return false;
	kind = l.at[0];
	if (first)
		return strcmp(kind, SPENDING_LINE_HEAD) == 0 && spending_line_take_head(&l, b);
	if (strcmp(kind, SPENDING_LINE_ENTRY) == 0)
		return entry_read(b, &l);
	if (strcmp(kind, SPENDING_LINE_RATE) == 0)
		return rate_read(b, &l);
	if (strcmp(kind, SPENDING_LINE_SUM) == 0)
		return spending_line_take_sum(&l, &e.sum) && spent_add(&b->table, &e.sum) == 0;
	if (strcmp(kind, SPENDING_LINE_OPEN) == 0)
		return spending_line_take_event(&l, &e) && book_open_add(b, &e) == 0;
	if (strcmp(kind, SPENDING_LINE_PASSED) == 0)
		return passed_read(b, &l);
	if (strcmp(kind, SPENDING_LINE_USED) == 0)
		return spending_line_take_event(&l, &e) && book_event_apply(b, &e) == 0;
	if (strcmp(kind, SPENDING_LINE_RENAME) == 0)
		return rename_read(b, &l);
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
	book_opens_count(b);
	oldest.epoch -= (int64_t)SPENT_DAYS * 86400;
	spent_drop_before(&b->table, book_day(&oldest));
	if (book_write(b, f) == 0)
		return 0;
	book_close(b);
	return -1;
}

void book_close(struct book *b)
{
	ledger_close(&b->ledger);
	book_free(b);
	b->ledger.fd = -1;
}
