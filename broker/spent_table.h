/*
 * broker/spent_table.h - what was used, in sums: one row for each day, entry, provider,
 * model, project and session.
 *
 * The table is bounded: when it is full, rows of days before today lose their session,
 * then all do, then their project and model, then the oldest days go.  Limits are counted
 * apart from it (broker/limit.h).
 */
#ifndef BROKER_SPENT_TABLE_H
#define BROKER_SPENT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/limits.h"
#include "wire/tokens.h"

#define SPENT_ROWS_MAX 2048 /* of one tenant, some 500 bytes each */
#define SPENT_DAYS 400	    /* older ones are dropped */
#define SPENT_MODEL 101	    /* bytes of a model's name, with its NUL */
#define SPENT_SESSION 17

struct spent {
	uint32_t day; /* 20261128, in local time */
	char entry[NAME_MAX_LEN + 1];
	char provider[NAME_MAX_LEN + 1];
	char model[SPENT_MODEL];
	char project[PROJECT_MAX_LEN + 1];
	char session[SPENT_SESSION];
	uint64_t requests;
	uint64_t estimated; /* of these, counted by estimate: their answers gave no numbers */
	uint64_t unpriced;  /* of these, of which nobody knows what they cost */
	uint64_t tokens[TOKEN_KINDS];
	uint64_t micros; /* micro-dollars, of the others */
};

struct spent_table {
	struct spent *row;
	unsigned n, room;
	uint64_t rolled; /* how often rows were put together: page numbers end there */
};

/* Add s to the row of its texts and day, or as a new one.  0, or -1: no memory. */
int spent_add(struct spent_table *t, const struct spent *s);

/* The last row of that session, or NULL. */
const struct spent *spent_of_session(const struct spent_table *t, const char *session);

/* Drop the rows of days before `day`. */
void spent_drop_before(struct spent_table *t, uint32_t day);

void spent_free(struct spent_table *t);

#endif
