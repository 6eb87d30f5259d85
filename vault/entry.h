/*
 * vault/entry.h - one entry: a token and where it may go.
 */
#ifndef VAULT_ENTRY_H
#define VAULT_ENTRY_H

#include <stddef.h>
#include <stdint.h>
#include "wire/limits.h"
#include "wire/source.h"

struct arena;
struct failure;

struct entry {
	char name[NAME_MAX_LEN + 1];
	char origin[ORIGIN_MAX_LEN + 1];     /* where the token may go */
	char variable[VARIABLE_MAX_LEN + 1]; /* the environment variable that carries it */
	char policy[POLICY_MAX_LEN + 1];     /* canonical text, wire/policy.h */
	uint64_t created, changed, used;     /* seconds since the epoch; 0 never */
	const struct entry_source *source;   /* NULL: the token itself is in the vault */
	const uint8_t *token; /* in the arena; NULL while it sleeps or was not fetched */
	size_t token_len;
	int64_t since; /* clock_now_ms() when the vault was opened or the token came; not stored */
	int64_t until; /* when a fetched token is of no more use, by its source; 0: not known */
};

/* What is wrong with the entry, as the subject of "is not allowed" (static), or NULL. */
const char *entry_wrong(const struct entry *e);

/* A copy on the heap, its token in the arena.  NULL with FAIL_NO_MEMORY. */
struct entry *entry_copy(struct arena *a, const struct entry *e, struct failure *f);

/* Wipe and free a copy.  NULL-safe. */
void entry_free(struct arena *a, struct entry *e);

#endif
