/*
 * vault/entry_list.h - an open vault's array of entries, in order of name.  It
 * knows nothing of undo: the callers keep what they cut.
 */
#ifndef VAULT_ENTRY_LIST_H
#define VAULT_ENTRY_LIST_H

#include <stdbool.h>

struct entry;
struct failure;
struct vault;

/* The index of the name, or (*there false) where it would be inserted. */
unsigned entry_list_search(const struct vault *v, const char *name, bool *there);

/* Make room for one more entry, so that entry_list_insert cannot fail.  0 or -1. */
int entry_list_reserve(struct vault *v, struct failure *f);

/* Insert e, which the list then owns, at the index that entry_list_search gave. */
void entry_list_insert(struct vault *v, unsigned at, struct entry *e);

/* Take the entry out of the list; the caller owns it. */
struct entry *entry_list_cut(struct vault *v, unsigned at);

/* Append a copy of e, whose name is behind all others.  0 or -1. */
int entry_list_append(struct vault *v, const struct entry *e, struct failure *f);

/* Move an entry from the name `from`, which exists, to the name `to`, which does not. */
void entry_list_rename(struct vault *v, const char *from, const char *to);

/* Wipe and free the entries without a token in memory, and those that keep says no to. */
void entry_list_filter(struct vault *v, bool (*keep)(const struct entry *e));

/* Wipe and free all entries, and the array. */
void entry_list_free(struct vault *v);

#endif
