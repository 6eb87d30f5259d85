/*
 * statusline/line.h - the status line as cells with separators between them: made
 * to fit the terminal's width, and written as bytes.
 */
#ifndef STATUSLINE_LINE_H
#define STATUSLINE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include "config/settings/colour.h"

#define CELLS_MAX 32
#define CELL_TEXT 512 /* bytes of a cell's text, with its NUL */
#define CELL_SUFFIX 32
#define CELL_URL 640
#define CELL_SHORTEST 8	       /* columns: a name that would get shorter is dropped instead */
#define LINE_BYTES (48 * 1024) /* CELLS_MAX cells with all their bytes fit */

/* When the line is too wide the highest value is dropped first, of equals the last. */
enum cell_priority {
	PRIORITY_PROVIDER, /* never dropped; cut when nothing else is left */
	PRIORITY_NOTICE,
	PRIORITY_CONTEXT,
	PRIORITY_QUOTA,
	PRIORITY_BRANCH,
	PRIORITY_REPO, /* this one and the branch are shortened before they are dropped */
	PRIORITY_MODEL,
	PRIORITY_DIR,
	PRIORITY_COST,
	PRIORITY_LINES,
	PRIORITY_DURATION,
	PRIORITY_EFFORT,
	PRIORITY_SESSION
};

struct cell {
	enum cell_priority priority;
	char text[CELL_TEXT];	  /* came from display_clean */
	char sgr[COLOUR_SGR];	  /* its colour: the parameters of an SGR sequence, or "" */
	char suffix[CELL_SUFFIX]; /* clean; follows the text without a blank, or "" */
	char suffix_sgr[COLOUR_SGR];
	bool suffix_optional; /* it goes before any cell is dropped */
	char url[CELL_URL];   /* the text is a link to it; printable ASCII, or "" */
};

struct status_line {
	struct cell cell[CELLS_MAX];
	unsigned cells;
	char separator[64]; /* clean */
	char separator_sgr[COLOUR_SGR];
};

/*
 * Append a cell.  text may be hostile: it is cleaned, and cut to that many columns.
 * Returns the cell, or NULL when no text is left or the line has CELLS_MAX cells.
 */
struct cell *line_add(struct status_line *l, enum cell_priority priority, const char *text,
		      unsigned columns, const char *sgr);

/* Drop and shorten cells until the line takes at most that many columns (0: no limit). */
void line_fit(struct status_line *l, unsigned columns);

/*
 * Write the line and a newline to out (LINE_BYTES bytes), ended with NUL.  plain:
 * without colours and links.  Returns the length.
 */
size_t line_format(const struct status_line *l, bool plain, char *out);

#endif
