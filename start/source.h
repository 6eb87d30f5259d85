/*
 * start/source.h - running ccrun-source, which fetches keys that stay in another
 * password manager.
 */
#ifndef START_SOURCE_H
#define START_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "wire/source.h"

struct failure;

/*
 * Have it fetch the tokens of these entries (names ends with NULL) into the broker,
 * where one has a source and its token is not in memory yet.  terminal: its
 * standard input is the terminal, so that the manager may ask.  0, or -1 with
 * FAIL_SOURCE, FAIL_CONFIG (ccrun-source is not installed) or the broker's failure.
 */
int source_fetch(const char *const names[], bool terminal, struct failure *f);

/*
 * Start one that fetches these tokens again, each time that the broker wants that for a
 * relay, until this process ends, also after an exec.  A marked process starts none.  It gets the whole environment, as
 * the manager needs it.  No failure is reported, and nothing is waited for: without it
 * nothing is renewed.
 */
void source_keep(const char *const names[]);

/*
 * Have it fetch from a source that is not in the vault yet: the token into out
 * (locked memory; room bytes, HELPER_LEAST or more), *n its length.  0 or -1.
 */
int source_try(const struct entry_source *s, bool terminal, uint8_t *out, size_t room, size_t *n,
	       struct failure *f);

#endif
