/*
 * broker/spending_rate.h - what the provider said that answers cost, of each model of an
 * entry: by that an answer without its numbers is estimated, where there is no price.
 *
 * The session chooses the model.  So one of which no whole answer came has no rate, whatever
 * others cost, and nothing but its own answers gives it one.
 */
#ifndef BROKER_SPENDING_RATE_H
#define BROKER_SPENDING_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/spent_table.h"

#define RATES_MAX 32   /* of an entry; then those that are longest unused go */
#define RATE_CUT_MAX 3 /* answers that were cut off, of which nobody knows what they cost */

struct book_rate {
	char model[SPENT_MODEL];
	uint64_t micros, tokens; /* that the provider told together; no tokens: nothing */
	uint64_t cut;		 /* answers since then that ended before that could be told */
	bool blind;		 /* one since then was whole, and had no cost */
};

struct rates {
	struct book_rate *of; /* RATES_MAX, the last used last; NULL: none */
	unsigned n;
	bool lost; /* one that could not be noted: taken for blind */
};

/* NULL: nobody knows what it costs.  So it is of "", which stands for any model. */
const struct book_rate *rates_find(const struct rates *r, const char *model);

/* A whole answer of model was said to cost so many micro-dollars. */
void rates_learn(struct rates *r, const char *model, uint64_t micros, uint64_t tokens);

/* One of unknown cost was cut off, or was whole, which makes what is known of it untrue. */
void rates_note_cut(struct rates *r, const char *model);
void rates_note_blind(struct rates *r, const char *model);

/* The name stood for another model. */
void rates_forget(struct rates *r, const char *model);

/* Put one back that was read from the file. */
void rates_restore(struct rates *r, const struct book_rate *read);

/* Has enough passed of unknown cost, so that no model without a price or a rate may? */
bool rates_are_blind(const struct rates *r);

void rates_free(struct rates *r);

#endif
