/*
 * client/log_chain.c - the record's chain of hashes.
 */
#include "client/log_chain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vault/crypto.h"

/* How a line ends: ,"hash":"<64 hex digits>"} */
#define TAIL_KEY ",\"hash\":\""
#define TAIL_LEN (sizeof(TAIL_KEY) - 1 + HASH_HEX + 2)
/* A quote in a text is escaped, so none can pass for this. */
#define LOSS ",\"event\":\"log-cut\","

/* Is the line's hash (n bytes, no newline) that of the line and the hash before it? */
static bool chain_fits(struct log_chain *c, const char *line, size_t n)
{
	char hex[HASH_HEX + 1];
	uint8_t hash[32];
	const char *tail = line + n - TAIL_LEN;

	if (n <= TAIL_LEN || memcmp(tail, TAIL_KEY, sizeof(TAIL_KEY) - 1) != 0 ||
	    memcmp(line + n - 2, "\"}", 2) != 0)
		return false;
	blake2b_256(hash, c->hash, HASH_HEX, line, (size_t)(tail - line));
	hex_encode(hex, hash, sizeof(hash));
	memcpy(c->hash, hex, sizeof(hex));
	return memcmp(tail + sizeof(TAIL_KEY) - 1, hex, HASH_HEX) == 0;
}

/* Its number, 0 of what is no line; is it the one that the checkpoint is of? */
static void chain_note_line(struct log_chain *c, const char *line, size_t n)
{
	uint64_t seq = 0;

	if (sscanf(line, "{\"seq\":%20" SCNu64 ",", &seq) != 1)
		return;
	c->last = seq;
	if (strstr(line, LOSS))
		c->losses++;
	if (seq == c->checkpoint.seq && n > TAIL_LEN &&
	    memcmp(line + n - HASH_HEX - 2, c->checkpoint.hash, HASH_HEX) != 0)
		c->replaced = true;
}

/*
 * The first line of all.  If older lines were rotated away, its hash cannot be verified
 * and starts the chain as it stands.
 */
static void chain_begin(struct log_chain *c, const char *line, size_t n, bool old)
{
	c->first = c->last;
	if (old && c->first > 1 && n > TAIL_LEN) {
		memcpy(c->hash, line + n - HASH_HEX - 2, HASH_HEX);
	} else if (!chain_fits(c, line, n)) {
		c->bad = c->bad_at = 1;
		c->bad_old = old;
	}
}

/* Read a whole file once: count its lines and check each against the one before. */
static void chain_follow_file(FILE *in, bool old, struct log_chain *c)
{
	uint64_t at = 0;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while (in && (n = getline(&line, &room, in)) > 0) {
		if (line[n - 1] != '\n') {
			c->cut = true;
			break;
		}
		at++;
		chain_note_line(c, line, (size_t)n - 1);
		if (++c->lines == 1) {
			chain_begin(c, line, (size_t)n - 1, old);
		} else if (c->bad == 0 && !chain_fits(c, line, (size_t)n - 1)) {
			c->bad = c->lines;
			c->bad_at = at;
			c->bad_old = old;
		}
	}
	free(line);
}

void log_chain_follow(struct log_chain *c, FILE *old, FILE *in)
{
	struct log_checkpoint checkpoint = c->checkpoint;

	memset(c, 0, sizeof(*c));
	c->checkpoint = checkpoint;
	memset(c->hash, '0', HASH_HEX);
	chain_follow_file(old, true, c);
	chain_follow_file(in, false, c);
}

uint64_t log_chain_missing(const struct log_chain *c)
{
	return c->last < c->checkpoint.seq ? c->checkpoint.seq - c->last : 0;
}
