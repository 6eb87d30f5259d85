/*
 * broker/spending_file.h - the book (broker/spending_book.h), kept in a file beside the vault.
 *
 * The file (STORE_SPENDING) is a ledger: the state when it was written as a whole, then a
 * line for each event since.  docs/VAULT.md has its format.  A request is on it before it
 * goes out, and what passes of its answer, so that one whose end is not there (the broker was
 * killed) is counted by that when the file is read: as much as can have passed, or more.
 */
#ifndef BROKER_SPENDING_FILE_H
#define BROKER_SPENDING_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct book;
struct book_event;
struct failure;
struct limit_time;
struct vault_store;

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

/* Note a request that goes out.  0, or -1: it is not in the file, and not noted. */
int book_reserve(struct book *b, const struct book_event *e, struct failure *f);

/* book_open_raise.  0, or -1: it is known in memory alone. */
int book_pass(struct book *b, const char *session, uint64_t id, uint64_t output, uint64_t micros,
	      struct failure *f);

/*
 * Count a request that ended; its reservation, if there is one, ends too.  0, or -1: it is
 * counted in memory alone, until the file can be written again.
 */
int book_count(struct book *b, const struct book_event *e, struct failure *f);

/* 0 or -1, as book_count. */
int book_rename(struct book *b, const char *from, const char *to, struct failure *f);

/* Sync what is due, at clock_now_ms(). */
void book_sync(struct book *b, int64_t now);

#endif
