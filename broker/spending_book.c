/*
 * broker/spending_book.c - counters, requests under way and sums, in memory.
 */
#include "broker/spending_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint32_t book_day(const struct limit_time *t)
{
	time_t local = (time_t)(t->epoch + t->utc_offset);
	struct tm tm;

	if (!gmtime_r(&local, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099)
		return 0;
	return (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
}

/* ---- entries ---- */

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

/* What an entry of the new name used once belongs to nobody any more: it has the old one then. */
static void name_exchange(char name[NAME_MAX_LEN + 1], const char *from, const char *to)
{
	const char *now = strcmp(name, from) == 0 ? to : strcmp(name, to) == 0 ? from : NULL;

	if (now)
		snprintf(name, NAME_MAX_LEN + 1, "%s", now);
}

void book_entry_rename(struct book *b, const char *from, const char *to)
{
	unsigned i;

	for (i = 0; i < b->entries; i++)
		name_exchange(b->entry[i].name, from, to);
	for (i = 0; i < b->opens; i++)
		name_exchange(b->open[i].sum.entry, from, to);
	/* Also for keyless, which asks with which entry a provider was used. */
	for (i = 0; i < b->table.n; i++)
		name_exchange(b->table.row[i].entry, from, to);
}

/* ---- requests ---- */

const struct book_event *book_open_find(const struct book *b, const char *session, uint64_t id)
{
	unsigned i;

	for (i = 0; i < b->opens; i++)
		if (b->open[i].id == id && strcmp(b->open[i].sum.session, session) == 0)
			return &b->open[i];
	return NULL;
}

int book_open_add(struct book *b, const struct book_event *e)
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

bool book_open_raise(struct book *b, const char *session, uint64_t id, uint64_t output,
		     uint64_t micros)
{
	const struct book_event *found = book_open_find(b, session, id);
	struct book_event *e = found ? &b->open[found - b->open] : NULL;

	if (!e || ((output <= e->passed_output || output <= e->sum.tokens[TOKENS_OUTPUT]) &&
		   (micros <= e->passed_micros || micros <= e->sum.micros)))
		return false;
	if (output > e->passed_output)
		e->passed_output = output;
	if (micros > e->passed_micros)
		e->passed_micros = micros;
	return true;
}

struct book_event book_event_interrupted(const struct book_event *e)
{
	struct book_event i = *e;

	i.sum.estimated = 1;
	if (i.sum.tokens[TOKENS_OUTPUT] < i.passed_output)
		i.sum.tokens[TOKENS_OUTPUT] = i.passed_output;
	if (i.sum.micros < i.passed_micros)
		i.sum.micros = i.passed_micros;
	return i;
}

static void open_end(struct book *b, const char *session, uint64_t id)
{
	const struct book_event *e = book_open_find(b, session, id);

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

/* What e tells of its model, and of the name by which the request asked for it. */
static void entry_learn(struct book_entry *entry, const struct book_event *e, const char *asked,
			uint64_t tokens)
{
	const char *model = e->sum.model;
	bool alias = strcmp(asked, model) != 0;

	if (e->sum.unpriced) {
		/* Else who cuts each answer off is never asked what they cost. */
		if (e->sum.estimated)
			rates_note_cut(&entry->rates, model);
		else
			rates_note_blind(&entry->rates, model);
		if (alias)
			rates_forget(&entry->rates, asked);
	} else if (e->reported) {
		rates_learn(&entry->rates, model, e->sum.micros, tokens);
		if (alias)
			rates_learn(&entry->rates, asked, e->sum.micros, tokens);
	}
}

int book_event_apply(struct book *b, const struct book_event *e)
{
	const struct book_event *open = book_open_find(b, e->sum.session, e->id);
	struct book_entry *entry = book_entry_make(b, e->sum.entry);
	uint64_t used[LIMIT_KINDS] = { [LIMIT_TOKENS] = tokens_total(&e->sum),
				       [LIMIT_MONEY] = e->sum.micros,
				       [LIMIT_REQUESTS] = e->sum.requests };

	if (!entry || spent_add(&b->table, &e->sum) != 0)
		return -1;
	limit_count(&entry->counters, used, &e->when);
	entry_learn(entry, e, open ? open->sum.model : e->sum.model, used[LIMIT_TOKENS]);
	open_end(b, e->sum.session, e->id);
	return 0;
}

void book_opens_count(struct book *b)
{
	struct book_event e;

	while (b->opens > 0) {
		e = book_event_interrupted(&b->open[b->opens - 1]);
		if (book_event_apply(b, &e) != 0)
			b->opens--;
	}
}

void book_free(struct book *b)
{
	unsigned i;

	for (i = 0; i < b->entries; i++) {
		free(b->entry[i].prices);
		rates_free(&b->entry[i].rates);
	}
	free(b->entry);
	free(b->open);
	spent_free(&b->table);
	memset(b, 0, sizeof(*b));
}
