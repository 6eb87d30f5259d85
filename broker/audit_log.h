/*
 * broker/audit_log.h - who got what, when, and who was refused: JSON lines,
 * chained by hash, written before the thing happens.  Never a value.
 *
 * Each line ends in "hash": BLAKE2b-256 over the hash before (64 hex digits;
 * of the first line, 64 zeros) and the line up to that key.
 */
#ifndef BROKER_AUDIT_LOG_H
#define BROKER_AUDIT_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct failure;

/*
 * A record that has grown to so many bytes becomes record.1.jsonl, in the place of
 * the one before it, and the chain goes on in a new one: whoever makes the broker
 * refuse and refuse fills no disk.  Some 40,000 lines.
 */
#define AUDIT_FILE_MAX (8 << 20)

struct audit_log {
	int dir, fd;
	off_t most; /* AUDIT_FILE_MAX, but in tests */
	uint64_t seq;
	char hash[65];
};

/* One event; NULL texts and zero numbers are left out. */
struct audit_event {
	const char *event;   /* "open", "release", "get", "add", "unlock", ... */
	const char *result;  /* "granted", "done" or a failure's wire name */
	const char *provider;
	const char *entries; /* names, space between */
	const char *session;
	const char *image;   /* the requester's executable */
	const char *why;     /* a refusal's text */
	pid_t pid;
};

/*
 * Open (make) dir/record.jsonl and find the chain's end, there or in
 * record.1.jsonl.  A last line that was cut by a crash is removed: what it
 * announced had not happened yet.
 */
int audit_open(struct audit_log *r, const char *dir, struct failure *f);
void audit_close(struct audit_log *r);

/* Append one line.  -1: it is not on record, so it must not happen. */
int audit_write(struct audit_log *r, const struct audit_event *e, struct failure *f);

/* n bytes at most from offset at, of the record or (old) of record.1.jsonl, which
 * may not be there: size 0; *size: of the whole.  The length or -1. */
ssize_t audit_read(const struct audit_log *r, bool old, uint64_t at, void *out, size_t n, uint64_t *size,
		    struct failure *f);

#endif
