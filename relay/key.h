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

struct key {
	struct arena *arena;
	const struct request_secret *fields; /* the caller's, one for each secret */
	size_t count;
	size_t have; /* how many secrets have come; all of them: it can be used */
	uint8_t *value[SESSION_ENTRIES_MAX];
	size_t len[SESSION_ENTRIES_MAX];
	char *lines; /* of the request's head, with REQUEST_HEAD_END behind them */
	size_t lines_n;
	struct secret_set *set;
};

/* Empty.  arena and fields outlive it. */
void key_init(struct key *k, struct arena *arena, const struct request_secret *fields,
	      size_t count);

/*
 * Take secret number index of count, n bytes at p, which stay the caller's to wipe.
 * They come in order, from 0.  Returns 0, or -1 with FAIL_BAD_VALUE, FAIL_TOO_LARGE or
 * FAIL_NO_MEMORY, and nothing is left of it.
 */
int key_take(struct key *k, uint64_t index, uint64_t count, const uint8_t *p, size_t n,
	     struct failure *f);

bool key_is_whole(const struct key *k);

/* Wipe all of it.  It can be filled again. */
void key_wipe(struct key *k);

#endif
