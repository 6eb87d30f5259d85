/*
 * client/common/tokens.h - reading keys from the terminal or standard input.
 */
#ifndef CLIENT_COMMON_TOKENS_H
#define CLIENT_COMMON_TOKENS_H

#include "client/common/entries.h"
#include "client/common/secret.h"

struct provider;

/* Keys on their way to the broker, in locked memory. */
struct tokens {
	struct secret buf[SESSION_ENTRIES_MAX]; /* a buffer each, or one for all */
	const uint8_t *p[SESSION_ENTRIES_MAX];	/* each key, in a buffer */
	size_t n[SESSION_ENTRIES_MAX];
};

/*
 * Read a valid key for each of `count` entries: asked for on the terminal if standard
 * input is one, else exactly `count` lines of standard input.  p (NULL: no provider) is
 * for the prompt.  0 or -1; tokens_free in either case.
 */
int tokens_get(struct client *c, struct tokens *t, const struct wanted *w, unsigned count,
	       const struct provider *p, struct failure *f);

/* Wipe and free. */
void tokens_free(struct client *c, struct tokens *t);

#endif
