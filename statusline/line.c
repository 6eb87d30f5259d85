/*
 * statusline/line.c - fits the status line to the terminal and writes it.
 */
#include "statusline/line.h"

#include <stdio.h>
#include <string.h>

#include "display/text.h"

struct cell *line_add(struct status_line *l, enum cell_priority priority, const char *text,
		      unsigned columns, const char *sgr)
{
	struct cell *c = &l->cell[l->cells];

	if (l->cells == CELLS_MAX)
		return NULL;
	memset(c, 0, sizeof(*c));
	/* Two bytes are left for display_cut. */
	if (display_clean(text, strlen(text), c->text, sizeof(c->text) - 2) == 0)
		return NULL;
	display_cut(c->text, columns);
	c->priority = priority;
	snprintf(c->sgr, sizeof(c->sgr), "%s", sgr);
	l->cells++;
	return c;
}

/* ---- fitting ---- */

static unsigned line_width(const struct status_line *l)
{
	unsigned i, sum = 0, between = display_width(l->separator);

	for (i = 0; i < l->cells; i++)
		sum += display_width(l->cell[i].text) + display_width(l->cell[i].suffix) +
		       (i ? between : 0);
	return sum;
}

static void cell_drop(struct status_line *l, unsigned at)
{
	memmove(&l->cell[at], &l->cell[at + 1], (l->cells - at - 1) * sizeof(l->cell[0]));
	l->cells--;
}

/* The cell that is dropped first.  The line is not empty. */
static unsigned cell_first_to_drop(const struct status_line *l)
{
	unsigned i, found = 0;

	for (i = 1; i < l->cells; i++)
		if (l->cell[i].priority >= l->cell[found].priority)
			found = i;
	return found;
}

/* Shorten the cells of that priority until the line takes that many columns. */
static void cells_shorten(struct status_line *l, enum cell_priority priority, unsigned columns)
{
	unsigned i, now, have, excess;

	for (i = 0; i < l->cells; i++) {
		now = line_width(l);
		have = display_width(l->cell[i].text);
		if (l->cell[i].priority != priority || now <= columns || have <= CELL_SHORTEST)
			continue;
		excess = now - columns;
		display_cut(l->cell[i].text,
			    have > CELL_SHORTEST + excess ? have - excess : CELL_SHORTEST);
	}
}

void line_fit(struct status_line *l, unsigned columns)
{
	unsigned i, have;

	if (!columns || !l->cells)
		return;
	for (i = 0; i < l->cells && line_width(l) > columns; i++)
		if (l->cell[i].suffix_optional)
			l->cell[i].suffix[0] = '\0';
	while (line_width(l) > columns && l->cell[cell_first_to_drop(l)].priority > PRIORITY_REPO)
		cell_drop(l, cell_first_to_drop(l));
	cells_shorten(l, PRIORITY_REPO, columns);
	cells_shorten(l, PRIORITY_BRANCH, columns);
	while (line_width(l) > columns && l->cells > 1)
		cell_drop(l, cell_first_to_drop(l));
	if (line_width(l) > columns)
		l->cell[0].suffix[0] = '\0';
	have = line_width(l);
	if (have > columns)
		display_cut(l->cell[0].text, columns);
}

/* ---- writing ---- */

struct line_writer {
	char *out;
	size_t used;
	bool plain;
};

static void writer_put(struct line_writer *w, const char *text)
{
	size_t n = strlen(text);

	/* LINE_BYTES is enough for every line.  The newline and NUL fit in any case. */
	if (w->used + n + 2 > LINE_BYTES)
		return;
	memcpy(w->out + w->used, text, n);
	w->used += n;
}

static void writer_put_coloured(struct line_writer *w, const char *text, const char *sgr)
{
	bool colour = !w->plain && sgr[0] && text[0];

	if (colour) {
		writer_put(w, "\033[");
		writer_put(w, sgr);
		writer_put(w, "m");
	}
	writer_put(w, text);
	if (colour)
		writer_put(w, "\033[0m");
}

static void writer_put_cell(struct line_writer *w, const struct cell *c)
{
	bool link = !w->plain && c->url[0];

	if (link) {
		writer_put(w, "\033]8;;");
		writer_put(w, c->url);
		writer_put(w, "\033\\");
	}
	writer_put_coloured(w, c->text, c->sgr);
	if (link)
		writer_put(w, "\033]8;;\033\\");
	writer_put_coloured(w, c->suffix, c->suffix_sgr);
}

size_t line_format(const struct status_line *l, bool plain, char *out)
{
	struct line_writer w = { .out = out, .plain = plain };
	unsigned i;

	for (i = 0; i < l->cells; i++) {
		if (i)
			writer_put_coloured(&w, l->separator, l->separator_sgr);
		writer_put_cell(&w, &l->cell[i]);
	}
	out[w.used++] = '\n';
	out[w.used] = '\0';
	return w.used;
}
