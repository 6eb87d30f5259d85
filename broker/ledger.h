/*
 * broker/ledger.h - a file beside the vault that lines are appended to: numbers that
 * survive the broker, without a sync for each.
 *
 * A line is fields with tabs between them, and a check of them at its end, so that a
 * damaged one is noticed.  The check is no seal: whoever can write the file can compute
 * it.
 *
 * A line is in the kernel's hands when ledger_append returns, so that a broker that is
 * killed loses none.  It is on the disk LEDGER_SYNC_MS later at most: a computer that
 * loses power loses those.
 */
#ifndef BROKER_LEDGER_H
#define BROKER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;
struct vault_store;

#define LEDGER_LINE 2048     /* bytes of the longest line, with its newline */
#define LEDGER_FIELDS 48     /* of one line */
#define LEDGER_MAX (4 << 20) /* bytes of the file */
#define LEDGER_SYNC_MS 5000

/* A line that is being written.  What does not fit, or has a control character in it,
 * makes it fail in ledger_append. */
struct ledger_line {
	char text[LEDGER_LINE];
	size_t n;
	bool bad;
};

void ledger_line_begin(struct ledger_line *l, const char *kind);
void ledger_line_text(struct ledger_line *l, const char *text);
void ledger_line_number(struct ledger_line *l, uint64_t n);
void ledger_line_signed(struct ledger_line *l, int64_t n);

/* A line that was read; the fields point into the text that was given. */
struct ledger_fields {
	const char *at[LEDGER_FIELDS];
	unsigned n, next;
	bool bad; /* one was missing, or no number, or too long */
};

/* Split one line, without its newline, in place, and verify its check.  The first
 * field is its kind. */
bool ledger_split(char *line, struct ledger_fields *out);
uint64_t ledger_take_number(struct ledger_fields *l);
int64_t ledger_take_signed(struct ledger_fields *l);
void ledger_take_text(struct ledger_fields *l, char *out, size_t size);

struct ledger {
	const struct vault_store *store;
	const char *leaf;
	int fd; /* -1: to be opened, or the file has to be written anew */
	uint64_t size;
	int64_t synced_ms; /* clock_now_ms() */
	bool unsynced;
};

/*
 * Append one line.  -1: it is not in the file, which has to be written anew by
 * ledger_replace.  That the file was removed, replaced or cut by another program is
 * noticed at the next sync, and is such a failure too.
 */
int ledger_append(struct ledger *g, struct ledger_line *l, struct failure *f);

/* Sync what is due at now, or, with force, whatever is not on the disk. */
int ledger_sync(struct ledger *g, int64_t now, bool force, struct failure *f);

/* Replace the whole file, atomically and synced, by n bytes of finished lines. */
int ledger_replace(struct ledger *g, const char *text, size_t n, struct failure *f);

/* Finish a line for ledger_replace: its check and a newline.  0, or -1: it is bad. */
int ledger_line_end(struct ledger_line *l, struct failure *f);

void ledger_close(struct ledger *g);

#endif
