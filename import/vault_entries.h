/*
 * import/vault_entries.h - what the vault has of the accounts, and storing the rest.
 */
#ifndef IMPORT_VAULT_ENTRIES_H
#define IMPORT_VAULT_ENTRIES_H

#include "import/found.h"

/*
 * Set every account's state; one whose name another token has gets a name of its
 * own.  im->open: im->c is connected to a broker with an open vault.  Returns 0 or -1.
 */
int vault_entries_compare(struct import *im, struct failure *f);

/* Store one account.  0: it is on the disk.  -1: it is not. */
int vault_entries_store(struct import *im, struct account *a, struct failure *f);

#endif
