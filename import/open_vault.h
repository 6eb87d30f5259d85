/*
 * import/open_vault.h - having ccctl open or make the vault.
 *
 * ccrun-import parses other people's files, so it never reads a passphrase: a
 * ccctl asks on the same terminal, or reads the descriptor that --passphrase-fd
 * names (import/outside.h).
 */
#ifndef IMPORT_OPEN_VAULT_H
#define IMPORT_OPEN_VAULT_H

#include <stdbool.h>

struct client;
struct failure;

/*
 * Connect, and have the vault opened (made, where there is none) if it is not
 * open.  given: --passphrase-fd was.  Returns 0 with c
 * connected; -1 with f set (FAIL_NO_VAULT, FAIL_LOCKED: nobody can be asked);
 * or ccctl's exit code (1 and up) when it failed: it has said why.
 */
int open_vault(struct client *c, bool given, struct failure *f);

#endif
