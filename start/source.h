/*
 * start/source.h - having ccrun-source fetch tokens that stay in another manager.
 */
#ifndef START_SOURCE_H
#define START_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "wire/source.h"

struct failure;

/*
 * For the broker: fetch what names (ends with NULL) have a source and no token in
 * memory.  terminal: on the terminal, where the manager may ask.  0 or -1 with
 * FAIL_SOURCE, FAIL_CONFIG (the helper is not installed) or the broker's no.
 */
int fetch_values(const char *const names[], bool terminal, struct failure *f);

/*
 * Try a source that is not sealed yet: the token into out (locked memory, room
 * bytes), *n its length.  0 or -1.
 */
int fetch_try(const struct entry_source *s, bool terminal, uint8_t *out, size_t room, size_t *n,
	      struct failure *f);

/* Is there a terminal that a manager can ask on? */
bool fetch_terminal(void);

#endif
