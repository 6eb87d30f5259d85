/*
 * client/common/seals_show.h - the differences between a seal and what is to be sealed, as a
 * person is shown them.
 */
#ifndef CLIENT_COMMON_SEALS_SHOW_H
#define CLIENT_COMMON_SEALS_SHOW_H

#include <stdbool.h>
#include "client/common/entries.h"

struct provider;

/* One entry whose seal changes. */
struct seal_change {
	struct wanted to;
	struct listed from;
	struct entry_source source; /* the new source, when source_differs */
	bool source_differs;
};

/* Print each difference, old -> new, on standard output, and where it allows more what that means.
 * p: whose files say so. */
void seals_show_changes(const struct provider *p, const struct seal_change *ch, unsigned n);

#endif
