/*
 * import/pool.h - jansson's memory while it holds a settings file:
 * locked, in no dump, wiped as a whole.
 */
#ifndef IMPORT_POOL_H
#define IMPORT_POOL_H

#include <stddef.h>

struct failure;

/* Everything that jansson allocates from here on; at most one at a time.  0 or -1. */
int pool_begin(size_t room, struct failure *f);

/* Everything is wiped; values that are still around are gone. */
void pool_end(void);

#endif
