/*
 * statusline/line.c - fitting the line, and writing it.
 */
#include "statusline/line.h"

#include <stdio.h>
#include <string.h>

#include "display/text.h"

struct cell *line_add(struct line *l, enum keep keep, const char *text, unsigned columns,
		      const char *sgr)
{
	struct cell *c = &l->cell[l->cells];

	if (l->cells == CELLS_MAX)
		return NULL;
	memset(c, 0, sizeof(*c));
	/* (display_cut wants room for two bytes more) */
	if (display_clean(text, strlen(text), c->text, sizeof(c->text) - 2) == 0)
		return NULL;
	display_cut(c->text, columns);
	c->keep = keep;
	snprintf(c->sgr, sizeof(c->sgr), "%s", sgr);
	l->cells++;
	return c;
}

/* ---- fitting ---- */

static unsigned width(const struct line *l)
{
	unsigned i, sum = 0, between = display_width(l->separator);

	for (i = 0; i < l->cells; i++)
		sum += display_width(l->cell[i].text) + display_width(l->cell[i].more) + (i ? between : 0);
	return sum;
}

static void drop(struct line *l, unsigned at)
{
	memmove(&l->cell[at], &l->cell[at + 1], (l->cells - at - 1) * sizeof(l->cell[0]));
	l->cells--;
}

/* The cell that goes first; the line is not empty. */
static unsigned least(const struct line *l)
{
	unsigned i, found = 0;

	for (i = 1; i < l->cells; i++)
		if (l->cell[i].keep >= l->cell[found].keep)
			found = i;
	return found;
}

/* Shorten the cells of that kind by what is too much. */
static void shorten(struct line *l, enum keep keep, unsigned columns)
{
	unsigned i, now, have, excess;

	for (i = 0; i < l->cells; i++) {
		now = width(l);
		have = display_width(l->cell[i].text);
		if (l->cell[i].keep != keep || now <= columns || have <= CELL_SHORTEST)
			continue;
		excess = now - columns;
		display_cut(l->cell[i].text,
			    have > CELL_SHORTEST + excess ? have - excess : CELL_SHORTEST);
	}
}

void line_fit(struct line *l, unsigned columns)
{
	unsigned i, have;

	if (!columns || !l->cells)
		return;
	for (i = 0; i < l->cells && width(l) > columns; i++)
		if (l->cell[i].spare)
			l->cell[i].more[0] = '\0';
	while (width(l) > columns && l->cell[least(l)].keep > KEEP_REPO)
		drop(l, least(l));
	shorten(l, KEEP_REPO, columns);
	shorten(l, KEEP_BRANCH, columns);
	while (width(l) > columns && l->cells > 1)
		drop(l, least(l));
	if (width(l) > columns)
		l->cell[0].more[0] = '\0';
	have = width(l);
	if (have > columns)
		display_cut(l->cell[0].text, columns);
}

/* ---- writing ---- */

struct writing {
	char *out;
	size_t used;
	bool plain;
};

static void put(struct writing *w, const char *text)
{
	size_t n = strlen(text);

	/* It fits by LINE_BYTES; if it ever does not, the line is cut between pieces. */
	if (w->used + n + 2 > LINE_BYTES)
		return;
	memcpy(w->out + w->used, text, n);
	w->used += n;
}

static void coloured(struct writing *w, const char *text, const char *sgr)
{
	bool colour = !w->plain && sgr[0] && text[0];

	if (colour) {
		put(w, "\033[");
		put(w, sgr);
		put(w, "m");
	}
	put(w, text);
	if (colour)
		put(w, "\033[0m");
}

static void put_cell(struct writing *w, const struct cell *c)
{
	bool link = !w->plain && c->url[0];

	if (link) {
		put(w, "\033]8;;");
		put(w, c->url);
		put(w, "\033\\");
	}
	coloured(w, c->text, c->sgr);
	if (link)
		put(w, "\033]8;;\033\\");
	coloured(w, c->more, c->more_sgr);
}

size_t line_bytes(const struct line *l, bool plain, char *out)
{
	struct writing w = { .out = out, .plain = plain };
	unsigned i;

	for (i = 0; i < l->cells; i++) {
		if (i)
			coloured(&w, l->separator, l->separator_sgr);
		put_cell(&w, &l->cell[i]);
	}
	out[w.used++] = '\n';
	out[w.used] = '\0';
	return w.used;
}
