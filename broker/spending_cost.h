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
#define SPENDING_INPUT_MAX 200000   /* tokens; also for a body of unknown length */
#define SPENDING_OUTPUT 4096	    /* tokens of an answer */
#define SPENDING_OUTPUT_MAX 1000000 /* of one that has not passed: no model gives more at once */

/* Set the tokens and the cost of e, whose model is set, for a body of so many bytes (0: not
 * known).  entry: its prices, and what earlier answers cost; NULL: nothing is known. */
void spending_cost_estimate(struct book_event *e, const struct book_entry *entry,
			    uint64_t body_bytes);

/* An answer to e, of which so many bytes may have passed, or which may have so many tokens (0:
 * not known): the tokens of that, and what all of e costs with them (0: nobody knows). */
void spending_cost_of_passed(const struct book_event *e, const struct book_entry *entry,
			     uint64_t answer_bytes, uint64_t tokens, uint64_t *output,
			     uint64_t *micros);

/* The tokens and the cost of a request that ended, while its reservation is in b: see spending_settle.
 * Nothing is set where none is billed. */
void spending_cost_count(struct book_event *e, const struct book *b, const struct use *u);

#endif
