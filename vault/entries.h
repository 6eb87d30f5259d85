/*
 * vault/entries.h - finding and changing the entries of an open vault.
 */
#ifndef VAULT_ENTRIES_H
#define VAULT_ENTRIES_H

#include <stdint.h>
#include "vault/entry.h"

struct failure;
struct vault;

unsigned vault_count(const struct vault *v);

/* Entry i in order of name; NULL past the end.  Valid until the next change. */
const struct entry *vault_at(const struct vault *v, unsigned i);

/* NULL when there is none of that name.  Valid until the next change. */
const struct entry *vault_find(const struct vault *v, const char *name);

/*
 * The three changes below can be taken back by vault_undo (vault/undo.h).  Each
 * returns 0, or -1; a change that failed leaves nothing to take back.
 *
 * vault_put adds an entry, or replaces the one of that name, keeping its creation
 * time.  The token is copied into the arena.  FAIL_BAD_VALUE, FAIL_TOO_LARGE (too
 * many entries), FAIL_NO_MEMORY.
 */
int vault_put(struct vault *v, const struct entry *e, struct failure *f);

/* FAIL_NO_ENTRY. */
int vault_remove(struct vault *v, const char *name, struct failure *f);

/* FAIL_NO_ENTRY, FAIL_BAD_VALUE (the new name), FAIL_EXISTS. */
int vault_rename(struct vault *v, const char *from, const char *to, struct failure *f);

/* Record a use (seconds since the epoch).  vault_undo does not take it back. */
void vault_mark_used(struct vault *v, const char *name, uint64_t when);

#endif
