/*
 * import/accounts.h - from assignments to accounts.
 */
#ifndef IMPORT_ACCOUNTS_H
#define IMPORT_ACCOUNTS_H

#include "import/found.h"

/* Fill im->account from the files.  Returns 0, or -1 (FAIL_TOO_LARGE, FAIL_NO_MEMORY). */
int accounts_collect(struct import *im, struct failure *f);

/* Free what accounts and files own, and wipe the files' texts and values. */
void accounts_free(struct import *im);

/* The assignment of the variable that claude reads. */
const struct assignment *account_variable(const struct import *im, const struct account *a);

/* The assignment that has the value: the same one, or what its $NAME stands for. */
const struct assignment *account_value(const struct import *im, const struct account *a);

/* Whose it is in a file of many: the name of another program's provider.  "": nobody's. */
const char *account_of(const struct import *im, const struct account *a);

/* Has the vault this account's token on its disk?  Nothing is removed before. */
bool account_in_vault(const struct account *a);

#endif
