/*
 * client/common/table.c - a table on standard output, no wider than the terminal.
 */
#include "client/common/table.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/output.h"
#include "display/text.h"

#define GAP 2	  /* blanks between columns */
#define LEAST 10  /* no column is cut to less */
#define GROWTH 64 /* rows */

/* What is left of the columns on this terminal. */
struct fitting {
	int width[TABLE_COLUMNS];
	bool gone[TABLE_COLUMNS];
	unsigned last; /* the last that is there */
};

int table_add_row(struct table *t, const char *const *cells, struct failure *f)
{
	char **grown, **row;
	unsigned i;

	if (t->rows % GROWTH == 0) {
		grown = realloc(t->cell, (t->rows + GROWTH) * t->columns * sizeof(*grown));
		if (!grown)
			return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a table");
		t->cell = grown;
	}
	row = t->cell + (size_t)t->rows * t->columns;
	for (i = 0; i < t->columns; i++)
		row[i] = NULL;
	t->rows++;
	for (i = 0; i < t->columns && cells[i]; i++) {
		row[i] = strdup(cells[i]);
		if (!row[i])
			return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a table");
		fail_sanitize(row[i]);
	}
	return 0;
}

static const char *table_cell(const struct table *t, unsigned row, unsigned column)
{
	return t->cell[(size_t)row * t->columns + column];
}

/* The cell to the end of the line is as wide as it is. */
static bool cell_is_rest(const struct table *t, unsigned row, unsigned column)
{
	return column > 0 && column + 1 < t->columns && !table_cell(t, row, column + 1);
}

static int fitting_total(const struct table *t, struct fitting *fit)
{
	int total = -GAP;
	unsigned i;

	for (i = 0; i < t->columns; i++)
		if (!fit->gone[i]) {
			total += fit->width[i] + GAP;
			fit->last = i;
		}
	return total;
}

/* Leave out the column that is wanted least.  False: all that are left stay. */
static bool fitting_drop(const struct table *t, struct fitting *fit)
{
	unsigned i, least = t->columns;

	for (i = 0; i < t->columns; i++)
		if (!fit->gone[i] && t->column[i].goes > 0 &&
		    (least == t->columns || t->column[i].goes > t->column[least].goes))
			least = i;
	if (least == t->columns)
		return false;
	fit->gone[least] = true;
	return true;
}

/* Cut a column that is wider than any other by one.  False: none can be cut. */
static bool fitting_cut(const struct table *t, struct fitting *fit)
{
	unsigned i, widest = t->columns;

	for (i = 0; i < t->columns; i++)
		if (!fit->gone[i] && (widest == t->columns || fit->width[i] > fit->width[widest]))
			widest = i;
	if (widest == t->columns || fit->width[widest] <= LEAST)
		return false;
	fit->width[widest]--;
	return true;
}

static void table_fit(const struct table *t, struct fitting *fit)
{
	int room = terminal_width(), total;
	const char *cell;
	unsigned i, row;

	memset(fit, 0, sizeof(*fit));
	for (i = 0; i < t->columns; i++) {
		fit->width[i] = cell_width(t->column[i].title, 0);
		for (row = 0; row < t->rows; row++) {
			cell = table_cell(t, row, i);
			if (cell && !cell_is_rest(t, row, i))
				fit->width[i] = cell_width(cell, fit->width[i]);
		}
	}
	total = fitting_total(t, fit);
	while (room && total > room && (fitting_drop(t, fit) || fitting_cut(t, fit)))
		total = fitting_total(t, fit);
}

static void cell_print(const char *text, int width, bool last)
{
	char *copy = NULL;

	if (cell_width(text, 0) > width) {
		copy = malloc(strlen(text) + 3); /* two bytes more: display_cut */
		if (copy) {
			memcpy(copy, text, strlen(text) + 1);
			display_cut(copy, (unsigned)width);
			text = copy;
		}
	}
	if (last)
		put_plain(text);
	else
		put_cell(text, width);
	free(copy);
}

void table_print(const struct table *t)
{
	struct fitting fit;
	unsigned i, row;

	table_fit(t, &fit);
	for (i = 0; i < t->columns; i++)
		if (!fit.gone[i])
			cell_print(t->column[i].title, fit.width[i], i == fit.last);
	putchar('\n');
	for (row = 0; row < t->rows; row++) {
		for (i = 0; i < t->columns && table_cell(t, row, i); i++)
			if (cell_is_rest(t, row, i))
				put_plain(table_cell(t, row, i));
			else if (!fit.gone[i])
				cell_print(table_cell(t, row, i), fit.width[i], i == fit.last);
		putchar('\n');
	}
}

void table_free(struct table *t)
{
	size_t i;

	for (i = 0; i < (size_t)t->rows * t->columns; i++)
		free(t->cell[i]);
	free(t->cell);
	t->cell = NULL;
	t->rows = 0;
}
