/*
 * import/provider_settings.h - models, times and switches beside a token.
 */
#ifndef IMPORT_PROVIDER_SETTINGS_H
#define IMPORT_PROVIDER_SETTINGS_H

#include "import/found.h"

/*
 * Gather those that hold in a scope of a file; mode not NULL: those that are
 * assigned in this mode's scopes alone.  l is zeroed before; l->set is allocated.
 * Returns 0, or -1 (FAIL_NO_MEMORY).
 */
int provider_settings_gather(const struct import *im, unsigned file, unsigned scope,
			     const char *mode, struct provider_settings *l, struct failure *f);

void provider_settings_free(struct provider_settings *l);

#endif
