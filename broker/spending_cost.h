/*
 * broker/spending_cost.h - what a request may use before it goes out, and what it used by the
 * numbers that its answer gave.
 */
#ifndef BROKER_SPENDING_COST_H
#define BROKER_SPENDING_COST_H

#include <stdint.h>

struct book;
struct book_entry;
struct book_event;
struct use;

/* The estimate of a request: its bytes by SPENDING_BYTES_PER_TOKEN, but at most
 * SPENDING_INPUT_MAX tokens (a picture is many bytes and few tokens), and the answer. */
#define SPENDING_BYTES_PER_TOKEN 3
#define SPENDING_INPUT_MAX 200000 /* tokens; also for a body of unknown length */
#define SPENDING_OUTPUT 4096	  /* tokens of an answer */

/* Set the tokens and the cost of e, whose model is set, for a body of so many bytes (0: not
 * known).  entry: its prices, and what earlier answers cost; NULL: nothing is known. */
void spending_cost_estimate(struct book_event *e, const struct book_entry *entry,
			    uint64_t body_bytes);

/* The same for a request that ended, while its reservation is in b: see spending_settle.
 * Nothing is set where none is billed. */
void spending_cost_count(struct book_event *e, const struct book *b, const struct use *u);

#endif
