/*
 * shim/env_delivery.h - delivery env: the secrets become variables of the
 * program's environment, for programs that the library cannot be loaded into.
 */
#ifndef SHIM_ENV_DELIVERY_H
#define SHIM_ENV_DELIVERY_H

struct failure;

/*
 * Claim the secrets of the session on this connection.  The process must be
 * marked already; it is hardened here.  "NAME=value" strings go to out[0..max-1].
 * Returns their number, to be wiped with env_delivery_wipe; or -1, and none is left.
 */
int env_delivery_claim(int connection, char **out, unsigned max, struct failure *f);

/* Wipe and free n of those strings, and set them to NULL. */
void env_delivery_wipe(char **strings, unsigned n);

#endif
