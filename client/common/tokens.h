/*
 * client/common/tokens.h - getting keys from a person or from standard input.
 */
#ifndef CLIENT_COMMON_TOKENS_H
#define CLIENT_COMMON_TOKENS_H

#include "client/common/entries.h"
#include "client/common/secret.h"

struct provider;

/* Keys on their way to the broker, in locked memory. */
struct tokens {
	struct secret buf[SESSION_ENTRIES_MAX];
	const uint8_t *p[SESSION_ENTRIES_MAX];
	size_t n[SESSION_ENTRIES_MAX];
};

/*
 * One key for each of `count` entries: asked for on the terminal when a person
 * is at standard input, else one line each from there, and nothing beyond.
 * Each is checked.  p (NULL: no provider) is for the prompt.
 */
int tokens_get(struct client *c, struct tokens *t, const struct wanted *w, unsigned count,
	       const struct provider *p, struct failure *f);
void tokens_free(struct client *c, struct tokens *t);

#endif
