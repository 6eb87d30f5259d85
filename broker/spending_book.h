/*
 * broker/spending_book.h - the state behind broker/spending.h, in memory: counters of each
 * entry, requests under way, sums for `ccctl spent`.
 *
 * Whoever changes it calls broker/spending_file.h, which has it in the file as well.
 */
#ifndef BROKER_SPENDING_BOOK_H
#define BROKER_SPENDING_BOOK_H

#include "broker/ledger.h"
#include "broker/limit.h"
#include "broker/price_list.h"
#include "broker/spending_rate.h"
#include "broker/spent_table.h"

#define BOOK_ENTRIES_MAX 512 /* names with counters; more than a vault holds in practice */

struct book_entry {
	char name[NAME_MAX_LEN + 1];
	struct limit_counters counters;
	struct rates rates;
	struct price_list *prices; /* of the last session; NULL: none.  Not in the file. */
};

/* A request that is under way, or one that ended; then sum is what it used. */
struct book_event {
	struct limit_time when;
	uint64_t id;
	struct spent sum; /* requests is 1 */
	bool reported;	  /* its cost is the provider's own number */
	/* Under way: what the answer may have come to, if that is more than the estimate. */
	uint64_t passed_output, passed_micros;
};

struct book {
	struct ledger ledger;
	uint64_t since;	  /* seconds since the epoch: when counting began */
	uint64_t damaged; /* when a damaged file was set aside; 0: never */
	uint64_t whole;	  /* bytes of the file when it was written as a whole */
	struct book_entry *entry;
	unsigned entries;
	struct book_event *open; /* reserved */
	unsigned opens, open_room;
	struct spent_table table;
};

/* NULL: none of that name.  book_entry_make: no memory, or too many. */
struct book_entry *book_entry_find(const struct book *b, const char *name);
struct book_entry *book_entry_make(struct book *b, const char *name);

/* Its counters, its sums and what is under way go with the new name. */
void book_entry_rename(struct book *b, const char *from, const char *to);

/* A request that is under way.  NULL: there is none of that id. */
const struct book_event *book_open_find(const struct book *b, const char *session, uint64_t id);

/* Note a request that goes out.  0, or -1: no memory. */
int book_open_add(struct book *b, const struct book_event *e);

/* More of the answer of one that is under way may pass, or the request allows more.  False:
 * it was known, or there is no such request. */
bool book_open_raise(struct book *b, const char *session, uint64_t id, uint64_t output,
		     uint64_t micros);

/* What is counted for e, which was under way and will not be heard of again. */
struct book_event book_event_interrupted(const struct book_event *e);

/* Count a request that ended; if it is under way, that ends too.  -1: no memory, and
 * nothing is counted. */
int book_event_apply(struct book *b, const struct book_event *e);

/* Count all that is under way as interrupted, at its own time: the broker had ended. */
void book_opens_count(struct book *b);

/* The day of a time as 20261128, local. */
uint32_t book_day(const struct limit_time *t);

/* Free what b points to, but for the ledger. */
void book_free(struct book *b);

#endif
