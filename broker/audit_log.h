/*
 * broker/audit_log.h - the audit log (record.jsonl): who was given what, when, and who
 * was refused.  One JSON object a line, written before the thing happens.  Never a
 * secret.
 *
 * Each line ends in "hash": BLAKE2b-256 over the hash of the line before (64 hex
 * digits; for the first line, 64 zeros) and the line up to that key, so that a line
 * that was changed or removed later is noticed.
 */
#ifndef BROKER_AUDIT_LOG_H
#define BROKER_AUDIT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "broker/audit_line.h"

struct failure;

/*
 * A file of so many bytes (some 40,000 lines) is renamed to record.1.jsonl, replacing
 * the one before it, and the chain goes on in a new file: a client that makes the
 * broker refuse in a loop cannot fill the disk.
 */
#define AUDIT_FILE_MAX (8 << 20)

#define AUDIT_NEWS 160

struct audit_log {
	int dir, fd;
	off_t size_max;		       /* AUDIT_FILE_MAX; less in tests */
	uint64_t seq;		       /* of the last line */
	char hash[AUDIT_HASH_HEX + 1]; /* of the last line */
	uint64_t opened;	       /* seq when it was opened */
	bool durable; /* a line that gives something is on the disk before it does */
	off_t size;   /* the file as the last line left it */
	dev_t dev;
	ino_t ino;
	char news[AUDIT_NEWS]; /* what was found wrong with it since it was opened, or "" */
};

/*
 * Open (or create) dir/record.jsonl and find the end of the chain, there or in
 * record.1.jsonl.  A last line that a crash cut short is removed: what it announced
 * had not happened yet.  FAIL_BUSY: another broker writes it; FAIL_UNSAFE_PATH,
 * FAIL_DAMAGED.
 */
int audit_open(struct audit_log *log, const char *dir, struct failure *f);
void audit_close(struct audit_log *log);

/*
 * Append one line.  -1: it is not on the log, so it must not happen.  When the file is not
 * as the line before left it (cut, removed, replaced), a line `log-cut` comes first.
 */
int audit_write(struct audit_log *log, const struct audit_event *e, struct failure *f);

/* All lines so far are on the disk.  0 or -1. */
int audit_sync(struct audit_log *log, struct failure *f);

/* Write that lines were lost: a line `log-cut`, and log->news.  missing: how many, or 0. */
int audit_report_loss(struct audit_log *log, const char *result, uint64_t missing, const char *why,
		      struct failure *f);

/* The hash of line number seq, as it stands in one of the two files: 1.  0: it is in neither;
 * -1: one of them cannot be read. */
int audit_find(const struct audit_log *log, uint64_t seq, char hash[AUDIT_HASH_HEX + 1]);

/*
 * Read up to n bytes from offset at of record.jsonl, or (old) of record.1.jsonl.
 * *size: of the whole file, 0 when there is none.  Returns the length or -1.
 */
ssize_t audit_read(const struct audit_log *log, bool old, uint64_t at, void *out, size_t n,
		   uint64_t *size, struct failure *f);

#endif
