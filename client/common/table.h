/*
 * client/common/table.h - a table on standard output, no wider than the terminal.
 *
 * On a terminal that is too narrow for it the least useful columns are left out, and then the
 * widest are cut; whatever else reads it gets all of it.
 */
#ifndef CLIENT_COMMON_TABLE_H
#define CLIENT_COMMON_TABLE_H

struct failure;

#define TABLE_COLUMNS 8

struct table_column {
	const char *title;
	unsigned goes; /* where there is no room, the highest goes first; 0: it stays */
};

struct table {
	const struct table_column *column;
	unsigned columns; /* at most TABLE_COLUMNS */
	char **cell;	  /* rows * columns, owned; see table_add_row */
	unsigned rows;
};

/* Copy a row's cells.  A NULL among them ends the row: the one before it goes to the end of the
 * line, whatever its width.  0 or -1. */
int table_add_row(struct table *t, const char *const *cells, struct failure *f);

/* Titles and rows. */
void table_print(const struct table *t);
void table_free(struct table *t);

#endif
