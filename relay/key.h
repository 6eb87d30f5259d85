/*
 * relay/key.h - the provider's secrets: their lines in a request, and what is looked for
 * in answers.  All of it is in locked memory.
 */
#ifndef RELAY_KEY_H
#define RELAY_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/request_fields.h"
#include "wire/limits.h"

struct arena;
struct failure;
struct secret_set;

/* One key.  Another may come in its place (a renewed one) while answers still arrive. */
struct key_value {
	struct key_value *next;
	unsigned users; /* requests under way */
	size_t have;	/* how many secrets have come; all of them: it can be used */
	uint8_t *text[SESSION_ENTRIES_MAX];
	size_t len[SESSION_ENTRIES_MAX];
	struct secret_set *set; /* what is looked for, once it is whole */
};

struct key {
	struct arena *arena;
	const struct request_secret *fields; /* the caller's, one for each secret */
	size_t count;
	struct key_value *value;  /* the present one, or NULL */
	struct key_value *coming; /* what has come of the next one, or NULL */
	struct key_value *former; /* those that requests under way were sent with */
	uint64_t number;	  /* of the present one; grows with each */
	char *lines;		  /* of the request's head, with REQUEST_HEAD_END behind them */
	size_t lines_n;
};

/* Empty.  arena and fields outlive it. */
void key_init(struct key *k, struct arena *arena, const struct request_secret *fields,
	      size_t count);

/*
 * Take secret number index of count, n bytes at p, which stay the caller's to wipe.
 * They come in order, from 0, and with the last of them take the place of the key
 * that is there.  Returns 0, or -1 with FAIL_BAD_VALUE, FAIL_TOO_LARGE or
 * FAIL_NO_MEMORY, and nothing is left of any key: as key_wipe.
 */
int key_take(struct key *k, uint64_t index, uint64_t count, const uint8_t *p, size_t n,
	     struct failure *f);

bool key_is_whole(const struct key *k);

/* Is another one there than that of this number? */
bool key_is_newer(const struct key *k, uint64_t number);

/*
 * Wipe all of it, former ones too.  It can be filled again.  No filter of one that is held
 * can be used after that; it is still to be let go.
 */
void key_wipe(struct key *k);

/* A request begins with the present key, which is whole: it stays until key_let_go. */
struct key_value *key_hold(struct key *k);

/* NULL-safe. */
void key_let_go(struct key *k, struct key_value *v);

#endif
