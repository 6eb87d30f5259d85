/*
 * statusline/line.h - cells with separators between them, made to fit
 * the width, as the bytes that a terminal takes.
 */
#ifndef STATUSLINE_LINE_H
#define STATUSLINE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include "config/settings/colour.h"

#define CELLS_MAX 32
#define CELL_TEXT 512	     /* bytes of a cell's text, with its NUL */
#define CELL_MORE 32	     /* of what stands behind it */
#define CELL_URL 640
#define CELL_SHORTEST 8	     /* columns: names are not cut further, but dropped */
#define LINE_BYTES (48 * 1024) /* every line fits: CELLS_MAX cells, full */

/* What goes first when there is no room: the highest, and of equals the last. */
enum keep {
	KEEP_PROVIDER, /* never dropped, cut when nothing else is left */
	KEEP_NOTICE,
	KEEP_CONTEXT,
	KEEP_QUOTA,
	KEEP_BRANCH,
	KEEP_REPO, /* this one and the branch are shortened before they are dropped */
	KEEP_MODEL,
	KEEP_DIR,
	KEEP_COST,
	KEEP_LINES,
	KEEP_DURATION,
	KEEP_EFFORT,
	KEEP_SESSION
};

struct cell {
	enum keep keep;
	char text[CELL_TEXT]; /* clean (text.h) */
	char sgr[COLOUR_SGR];
	char more[CELL_MORE]; /* clean, directly behind the text, or "" */
	char more_sgr[COLOUR_SGR];
	bool spare; /* more goes before anything is dropped */
	char url[CELL_URL]; /* of printable ASCII, or "" */
};

struct line {
	struct cell cell[CELLS_MAX];
	unsigned cells;
	char separator[64]; /* clean */
	char separator_sgr[COLOUR_SGR];
};

/* A new cell at the end with that text (hostile; cut to so many columns), or
 * NULL when the text is empty or there is no room. */
struct cell *line_add(struct line *l, enum keep keep, const char *text, unsigned columns,
		      const char *sgr);

/* Drop and shorten until it takes at most so many columns (0: any number). */
void line_fit(struct line *l, unsigned columns);

/* The line with its newline in out (LINE_BYTES); plain: without colours and
 * links.  Returns the bytes. */
size_t line_bytes(const struct line *l, bool plain, char *out);

#endif
