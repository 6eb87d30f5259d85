/*
 * client/common/sources.h - keys that stay in another manager: settling what is sealed
 * for them.
 */
#ifndef CLIENT_COMMON_SOURCES_H
#define CLIENT_COMMON_SOURCES_H

#include <stdbool.h>
#include "wire/source.h"

struct client;
struct failure;
struct listed;
struct tokens;

#define SOURCE_TTL (12 * 3600) /* seconds in memory, where nobody says another time */

/*
 * From a reference to what is to be sealed: token i is what it gives now, when it
 * is tried (check), else empty.  0 or -1.
 */
int source_settle(struct client *c, const char *ref, bool check, struct tokens *t, unsigned i,
		  struct entry_source *out, struct failure *f);

/*
 * Does entry e's source say what was sealed, and is its program there?  1, or 0
 * with what it says now in *now, or -1.
 */
int source_is_sealed(const struct listed *e, struct entry_source *now, struct failure *f);

#endif
