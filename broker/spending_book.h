/*
 * broker/spending_book.h - the state behind broker/spending.h: counters of each entry,
 * requests under way, sums for `ccctl spent`; and the file that they are in.
 *
 * The file (STORE_SPENDING) is a ledger: the state when it was written as a whole, then a
 * line for each event since.  docs/VAULT.md has its format.  A request is on it before it
 * goes out, so that one whose end is not there (the broker was killed) is counted by its
 * estimate when the file is read: a crash counts too much, never too little.
 */
#ifndef BROKER_SPENDING_BOOK_H
#define BROKER_SPENDING_BOOK_H

#include "broker/ledger.h"
#include "broker/limit.h"
#include "broker/price_list.h"
#include "broker/spent_table.h"

struct failure;
struct vault_store;

#define BOOK_ENTRIES_MAX 512 /* names with counters; more than a vault holds in practice */

struct book_entry {
	char name[NAME_MAX_LEN + 1];
	struct limit_counters counters;
	/* What the provider said that answers cost, for estimates where there is no price. */
	uint64_t reported_micros, reported_tokens;
	bool blind;		   /* the last answer without a price had no cost either */
	struct price_list *prices; /* of the last session; NULL: none.  Not in the file. */
};

/* A request that is under way, or one that ended; then sum is what it used. */
struct book_event {
	struct limit_time when;
	uint64_t id;
	struct spent sum; /* requests is 1 */
	bool reported;	  /* its cost is the provider's own number */
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

/* Is there a file?  Without one nothing was counted. */
bool book_exists(const struct vault_store *store);

/*
 * Read the file, or begin with nothing where there is none.  now: the time, for what is
 * counted by estimate.  A damaged file is renamed to STORE_SPENDING_DAMAGED, what could be
 * read of it counts.  *news says so, or that there was no file; else it is NULL.  0, or -1:
 * no memory, or the file cannot be read or written.
 */
int book_open(struct book *b, const struct vault_store *store, const struct limit_time *now,
	      const char **news, struct failure *f);
void book_close(struct book *b);

/* NULL: none of that name.  book_entry_make: no memory, or too many. */
struct book_entry *book_entry_find(const struct book *b, const char *name);
struct book_entry *book_entry_make(struct book *b, const char *name);

/* Note a request that goes out.  0, or -1: it is not in the file, and not noted. */
int book_reserve(struct book *b, const struct book_event *e, struct failure *f);

/*
 * Count a request that ended; its reservation, if there is one, ends too.  0, or -1: it is
 * counted in memory alone, until the file can be written again.
 */
int book_count(struct book *b, const struct book_event *e, struct failure *f);

/* 0 or -1, as book_count. */
int book_rename(struct book *b, const char *from, const char *to, struct failure *f);

/* Sync what is due, at clock_now_ms(). */
void book_sync(struct book *b, int64_t now);

/* The day of a time as 20261128, local. */
uint32_t book_day(const struct limit_time *t);

#endif
