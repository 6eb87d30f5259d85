/*
 * broker/audit_line.h - one line of the audit log: an event as a JSON object, and the hash
 * that chains it to the line before.
 */
#ifndef BROKER_AUDIT_LINE_H
#define BROKER_AUDIT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "wire/tokens.h"

#define AUDIT_LINE_MAX 8192 /* every field is bounded: all fit, with every byte escaped */
#define AUDIT_HASH_HEX 64

/* What a session's relays did, all of them together. */
struct audit_sums {
	uint64_t requests; /* that went out and ended, of those that cost money */
	uint64_t refused;  /* by a relay, that it told of */
	uint64_t failed;   /* of the requests: without an answer, or with an error */
	uint64_t restarts; /* of a relay that had ended */
	uint64_t tokens[TOKEN_KINDS];
	uint64_t micros;    /* micro-dollars, of those requests whose cost is known */
	uint64_t estimated; /* of the requests: their tokens are an estimate */
	uint64_t unpriced;  /* of the requests: nobody knows what they cost */
};

/* One event; NULL texts, a zero pid and no sums are left out. */
struct audit_event {
	const char *event;  /* "open", "release", "get", "add", "unlock", ... */
	const char *result; /* "granted", "asked", "done" or a failure's wire name */
	const char *provider;
	const char *entries;  /* names, separated by blanks */
	const char *delivery; /* how they are used: "relay", "preload", ... */
	const char *session;
	const char *inside; /* the session that this one belongs to */
	const char *image;  /* the requester's executable */
	const char *why;    /* of a refusal: the message; of an open session: what for */
	const struct audit_sums *sums;
	uint64_t missing; /* lines of the log that were lost; 0: left out */
	pid_t pid;
	bool gives; /* a secret goes out next: see audit_log.durable */
};

struct audit_line {
	char text[AUDIT_LINE_MAX];
	size_t n;
	char hash[AUDIT_HASH_HEX + 1];
};

/* The line of number seq, with its newline, that follows the one of that hash. */
void audit_line_format(struct audit_line *l, const struct audit_event *e, uint64_t seq,
		       const char before[AUDIT_HASH_HEX + 1]);

/* Number and hash of the line of n bytes, without its newline.  False: it is none of ours. */
bool audit_line_read(const char *line, size_t n, uint64_t *seq, char hash[AUDIT_HASH_HEX + 1]);

#endif
