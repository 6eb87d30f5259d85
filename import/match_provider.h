/*
 * import/match_provider.h - which provider an account is for.
 */
#ifndef IMPORT_MATCH_PROVIDER_H
#define IMPORT_MATCH_PROVIDER_H

#include "import/found.h"

/* Load the providers, name one for every account.  Returns 0 or -1. */
int match_accounts(struct import *im, struct failure *f);

/* Is a name taken, by a provider, an entry or an account? */
bool match_name_taken(const struct import *im, const char *name);

/*
 * Does url have the template's form, with any value in the place of its one
 * ${name} (NULL: whatever it is called)?  The value comes to value (size bytes).
 */
bool match_url_template(const char *template, const char *url, const char *name, char *value,
			size_t size);

/* What is known of a provider without a mode, or NULL. */
const struct known_provider *match_find_known(const struct import *im, const char *name);

/* One more known provider.  Returns 0, or -1 (FAIL_NO_MEMORY). */
int match_add_provider(struct import *im, const struct known_provider *k, struct failure *f);

#endif
