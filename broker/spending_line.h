/*
 * broker/spending_line.h - the lines of the file STORE_SPENDING: what spending_book.h keeps
 * as the fields of broker/ledger.h, and back.  docs/VAULT.md says which fields a kind has.
 */
#ifndef BROKER_SPENDING_LINE_H
#define BROKER_SPENDING_LINE_H

#include <stdbool.h>

struct book;
struct book_entry;
struct book_event;
struct book_rate;
struct ledger_fields;
struct ledger_line;
struct spent;

/* The kinds of lines. */
#define SPENDING_LINE_HEAD "ccrun-spending"
#define SPENDING_LINE_ENTRY "entry"
#define SPENDING_LINE_RATE "rate"
#define SPENDING_LINE_SUM "sum"
#define SPENDING_LINE_OPEN "open"
#define SPENDING_LINE_PASSED "passed"
#define SPENDING_LINE_USED "used"
#define SPENDING_LINE_RENAME "rename"

/* Each of these begins the line anew and writes all of it but its end, which
 * ledger_append or ledger_line_end adds.  Of an event, kind is that of open or used. */
void spending_line_put_head(struct ledger_line *l, const struct book *b);
void spending_line_put_entry(struct ledger_line *l, struct book_entry *e);
void spending_line_put_rate(struct ledger_line *l, const char *entry, const struct book_rate *r);
void spending_line_put_sum(struct ledger_line *l, const struct spent *s);
void spending_line_put_event(struct ledger_line *l, const char *kind, const struct book_event *e);
void spending_line_put_passed(struct ledger_line *l, const struct book_event *e);
void spending_line_put_rename(struct ledger_line *l, const char *from, const char *to);

/*
 * Read the fields behind the kind; an entry's name into NAME_MAX_LEN + 1 bytes.
 * False: one is missing or is not allowed, and what was read is of no use.  A head is
 * refused for its version too, and only since and damaged are set of the book.
 */
bool spending_line_take_head(struct ledger_fields *l, struct book *b);
bool spending_line_take_entry(struct ledger_fields *l, struct book_entry *e);
bool spending_line_take_rate(struct ledger_fields *l, char *entry, struct book_rate *r);
bool spending_line_take_sum(struct ledger_fields *l, struct spent *s);
bool spending_line_take_event(struct ledger_fields *l, struct book_event *e);
bool spending_line_take_passed(struct ledger_fields *l, struct book_event *e);
bool spending_line_take_rename(struct ledger_fields *l, char *from, char *to);

#endif
