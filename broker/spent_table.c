/*
 * broker/spent_table.c - rows of what was used.
 */
#include "broker/spent_table.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_FIRST 64
#define ROWS_LEFT (SPENT_ROWS_MAX / 4 * 3) /* after rows were put together */

static uint64_t sum_saturated(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static bool row_is_same(const struct spent *a, const struct spent *b)
{
	return a->day == b->day && strcmp(a->session, b->session) == 0 &&
	       strcmp(a->model, b->model) == 0 && strcmp(a->entry, b->entry) == 0 &&
	       strcmp(a->provider, b->provider) == 0 && strcmp(a->project, b->project) == 0;
}

static void row_sum(struct spent *to, const struct spent *from)
{
	int i;

	to->requests = sum_saturated(to->requests, from->requests);
	to->estimated = sum_saturated(to->estimated, from->estimated);
	to->unpriced = sum_saturated(to->unpriced, from->unpriced);
	for (i = 0; i < TOKEN_KINDS; i++)
		to->tokens[i] = sum_saturated(to->tokens[i], from->tokens[i]);
	to->micros = sum_saturated(to->micros, from->micros);
}

static struct spent *row_find(struct spent_table *t, unsigned n, const struct spent *like)
{
	unsigned i;

	/* The row that is used now is one of the last. */
	for (i = n; i-- > 0;)
		if (row_is_same(&t->row[i], like))
			return &t->row[i];
	return NULL;
}

/* Put rows together that have become the same. */
static void table_merge(struct spent_table *t)
{
	unsigned i, n = 0;
	struct spent *same;

	for (i = 0; i < t->n; i++) {
		same = row_find(t, n, &t->row[i]);
		if (same)
			row_sum(same, &t->row[i]);
		else
			t->row[n++] = t->row[i];
	}
	t->n = n;
	t->rolled++;
}

static void table_blur(struct spent_table *t, uint32_t before, bool names)
{
	unsigned i;

	for (i = 0; i < t->n; i++) {
		if (t->row[i].day >= before)
			continue;
		t->row[i].session[0] = '\0';
		if (names)
			t->row[i].model[0] = t->row[i].project[0] = '\0';
	}
	table_merge(t);
}

static uint32_t table_oldest_day(const struct spent_table *t)
{
	uint32_t day = UINT32_MAX;
	unsigned i;

	for (i = 0; i < t->n; i++)
		if (t->row[i].day < day)
			day = t->row[i].day;
	return day;
}

void spent_drop_before(struct spent_table *t, uint32_t day)
{
	unsigned i, n = 0;

	for (i = 0; i < t->n; i++)
		if (t->row[i].day >= day)
			t->row[n++] = t->row[i];
	if (n != t->n)
		t->rolled++;
	t->n = n;
}

static void table_make_room(struct spent_table *t, uint32_t today)
{
	table_blur(t, today, false);
	if (t->n > ROWS_LEFT)
		table_blur(t, UINT32_MAX, false);
	if (t->n > ROWS_LEFT)
		table_blur(t, today, true);
	if (t->n > ROWS_LEFT)
		table_blur(t, UINT32_MAX, true);
	while (t->n > ROWS_LEFT)
		spent_drop_before(t, table_oldest_day(t) + 1);
}

static int table_grow(struct spent_table *t)
{
	unsigned room = t->room ? t->room * 2 : ROWS_FIRST;
	struct spent *row = realloc(t->row, room * sizeof(*row));

	if (!row)
		return -1;
	t->row = row;
	t->room = room;
	return 0;
}

int spent_add(struct spent_table *t, const struct spent *s)
{
	struct spent *same = row_find(t, t->n, s);

	if (same) {
		row_sum(same, s);
		return 0;
	}
	if (t->n == SPENT_ROWS_MAX)
		table_make_room(t, s->day);
	if (t->n == t->room && table_grow(t) != 0)
		return -1;
	t->row[t->n++] = *s;
	return 0;
}

const struct spent *spent_of_session(const struct spent_table *t, const char *session)
{
	unsigned i;

	for (i = t->n; session[0] && i-- > 0;)
		if (strcmp(t->row[i].session, session) == 0)
			return &t->row[i];
	return NULL;
}

void spent_free(struct spent_table *t)
{
	free(t->row);
	memset(t, 0, sizeof(*t));
}
