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
 * Have it fetch into the broker what names (ends with NULL) have a source and no
 * token in memory.  terminal: on the terminal, where the manager may ask.  0 or -1
 * with FAIL_SOURCE, FAIL_CONFIG (the helper is not installed) or the broker's no.
 */
int source_fetch(const char *const names[], bool terminal, struct failure *f);

/*
 * Have it try a source that is not sealed yet: the token into out (locked memory;
 * room bytes, HELPER_LEAST or more), *n its length.  0 or -1.
 */
int source_try(const struct entry_source *s, bool terminal, uint8_t *out, size_t room, size_t *n,
	       struct failure *f);

/* Is there a terminal that a manager can ask on? */
bool source_terminal(void);

#endif
