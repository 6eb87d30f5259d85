/*
 * import/token_variables.h - the environment variables that hold tokens.
 */
#ifndef IMPORT_TOKEN_VARIABLES_H
#define IMPORT_TOKEN_VARIABLES_H

#include "config/provider/provider.h"

/* A variable that claude itself reads. */
struct client_variable {
	const char *name;
	enum auth auth;
};

/* A variable of vendors' guides and switchers, for one provider. */
struct vendor_variable {
	const char *name, *provider;
	const char *base_url; /* where no file names one; "" is claude's own */
};

/* The name of a key whose vendor has none of these. */
#define OTHER_API_KEY "API_KEY"

/* NULL when it is none. */
const struct client_variable *client_variable_find(const char *name);
const struct vendor_variable *vendor_variable_find(const char *name);

/* Whose address has this host, whatever its path. */
const struct vendor_variable *vendor_variable_of_address(const char *url);

#endif
