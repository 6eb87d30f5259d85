/*
 * config/client/tried.h - what was tried with a version of Claude Code, kept in the
 * user's cache directory, so that each is tried once.
 *
 * The file is a cache and no authority: whoever runs as the user can write it.  A
 * sealed delivery = relay is not loosened by it.
 */
#ifndef CONFIG_CLIENT_TRIED_H
#define CONFIG_CLIENT_TRIED_H

#include <stdbool.h>
#include "wire/image.h"

struct failure;

#define TRIED_IDENTITY_MAX IMAGE_IDENTITY_MAX
#define TRIED_CLIENTS_MAX 64 /* the newest are kept */

struct tried {
	bool relay;	  /* it sends its requests through a socket, and takes the answer */
	bool first_party; /* ... also when the base URL is http://api.anthropic.com */
};

/* What is known of the client with this identity.  False: nothing; it is to be tried. */
bool tried_get(const char *identity, struct tried *out);

/* Keep that.  0 or -1. */
int tried_put(const char *identity, const struct tried *t, struct failure *f);

#endif
