/*
 * vault/undo.h - taking back the last change of an open vault.
 *
 * What could not be written to disk is not acknowledged and not kept.  Every change of
 * an entry, of the slots, the lock settings or the images can be taken back until the next
 * one, or until vault_commit; then what it replaced or removed is wiped.
 */
#ifndef VAULT_UNDO_H
#define VAULT_UNDO_H

#include <stdbool.h>

struct failure;
struct vault;

/* Take the last change back.  Nothing happens when there is none. */
void vault_undo(struct vault *v);

/* Wipe and free what the last change replaced: it cannot be taken back any more. */
void undo_drop(struct vault *v);

/*
 * Keep a copy of all slots, and with_key of the vault key, before they are changed.
 * 0, or -1 with FAIL_LOCKED (a narrowed vault), FAIL_NO_MEMORY.
 */
int undo_keep_slots(struct vault *v, bool with_key, struct failure *f);

#endif
