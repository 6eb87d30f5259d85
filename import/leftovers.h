/*
 * import/leftovers.h - other files with fragments of the tokens that were found:
 * editors' backups, shells' histories, Claude Code's transcripts.
 */
#ifndef IMPORT_LEFTOVERS_H
#define IMPORT_LEFTOVERS_H

#include "import/found.h"

/* Search for them; fills im->left.  Returns 0 or -1. */
int leftovers_find(struct import *im, struct failure *f);

/* Overwrite the fragments of tokens that the vault has, with '*', in place. */
void leftovers_wipe(struct import *im);

#endif
