/*
 * client/log_chain.h - the record's chain of hashes, followed from line to line.
 */
#ifndef CLIENT_LOG_CHAIN_H
#define CLIENT_LOG_CHAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define HASH_HEX 64

/* What the broker says of the last checkpoint; seq 0: nothing is known. */
struct log_checkpoint {
	uint64_t seq, at;
	char hash[HASH_HEX + 1];
};

struct log_chain {
	struct log_checkpoint checkpoint; /* set before the chain is followed */
	uint64_t lines;
	uint64_t first;	 /* the first line's sequence number; above 1 after rotations */
	uint64_t last;	 /* the last line's */
	uint64_t bad;	 /* number of the first line that breaks the chain, or 0 */
	uint64_t bad_at; /* its number in its own file */
	bool bad_old;	 /* that is the older file */
	uint64_t losses; /* lines that say that lines were lost */
	bool replaced;	 /* the checkpoint's line is another one */
	char hash[HASH_HEX + 1];
	bool cut; /* the last line has no newline */
};

/* Follow both files, the older one first; NULL: there is none. */
void log_chain_follow(struct log_chain *c, FILE *old, FILE *in);

/* Lines that were there at the checkpoint and are missing at the end. */
uint64_t log_chain_missing(const struct log_chain *c);

#endif
