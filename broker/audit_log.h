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

struct failure;

/*
 * A file of so many bytes (some 40,000 lines) is renamed to record.1.jsonl, replacing
 * the one before it, and the chain goes on in a new file: a client that makes the
 * broker refuse in a loop cannot fill the disk.
 */
#define AUDIT_FILE_MAX (8 << 20)

struct audit_log {
	int dir, fd;
	off_t size_max; /* AUDIT_FILE_MAX; less in tests */
	uint64_t seq;	/* of the last line */
	char hash[65];	/* of the last line */
};

/* One event; NULL texts and a zero pid are left out. */
struct audit_event {
	const char *event;  /* "open", "release", "get", "add", "unlock", ... */
	const char *result; /* "granted", "asked", "done" or a failure's wire name */
	const char *provider;
	const char *entries;  /* names, separated by blanks */
	const char *delivery; /* how they are used: "relay", "preload", ... */
	const char *session;
	const char *inside; /* the session that this one belongs to */
	const char *image;  /* the requester's executable */
	const char *why;    /* of a refusal: the message */
	pid_t pid;
};

/*
 * Open (or create) dir/record.jsonl and find the end of the chain, there or in
 * record.1.jsonl.  A last line that a crash cut short is removed: what it announced
 * had not happened yet.  FAIL_BUSY: another broker writes it; FAIL_UNSAFE_PATH,
 * FAIL_DAMAGED.
 */
int audit_open(struct audit_log *log, const char *dir, struct failure *f);
void audit_close(struct audit_log *log);

/* Append one line.  -1: it is not on the log, so it must not happen. */
int audit_write(struct audit_log *log, const struct audit_event *e, struct failure *f);

/*
 * Read up to n bytes from offset at of record.jsonl, or (old) of record.1.jsonl.
 * *size: of the whole file, 0 when there is none.  Returns the length or -1.
 */
ssize_t audit_read(const struct audit_log *log, bool old, uint64_t at, void *out, size_t n,
		   uint64_t *size, struct failure *f);

#endif
