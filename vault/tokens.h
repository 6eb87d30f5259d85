/*
 * vault/tokens.h - which tokens of an open vault are in memory.
 *
 * A sleeping token is wiped from memory and kept in the file only.  A fetched
 * token belongs to an entry with a source: it is in memory only, never in the file.
 */
#ifndef VAULT_TOKENS_H
#define VAULT_TOKENS_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

struct failure;
struct vault;

/* Set `since` of every entry without a source to now (clock_now_ms). */
void vault_set_since(struct vault *v, int64_t now);

/* Wipe the token of an entry from memory.  Nothing happens when there is no such entry. */
void vault_token_sleep(struct vault *v, const char *name);

/* The number of entries without a source whose token sleeps. */
unsigned vault_tokens_asleep(const struct vault *v);

/* Copy the token of every sleeping entry of v from the same entry of `from`, the
 * same vault opened again.  0, or -1 with FAIL_CHANGED (another vault), FAIL_NO_MEMORY. */
int tokens_copy_sleeping(struct vault *v, const struct vault *from, struct failure *f);

/*
 * Keep a copy of the n bytes that the entry's source gave, until the token is put
 * to sleep.  until: when it is of no more use (clock_now_ms), or 0.  0, or -1 with FAIL_NO_ENTRY (no such entry with a source),
 * FAIL_BAD_VALUE (its length), FAIL_NO_MEMORY.
 */
int vault_token_set_fetched(struct vault *v, const char *name, const uint8_t *token, size_t n,
			    int64_t now, int64_t until, struct failure *f);

/* Does the vault key of `to`, an open vault, open what `from` was read from?  from may be
 * narrowed. */
bool vault_same_key(const struct vault *from, const struct vault *to);

/* Copy the fetched tokens of `from` (may be NULL) to entries of `to` that have the
 * same source and no token yet.  Nothing is copied unless both have one vault key; to is
 * not narrowed. */
void vault_tokens_carry(const struct vault *from, struct vault *to);

#endif
