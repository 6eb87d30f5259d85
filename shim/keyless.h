/*
 * shim/keyless.h - launches without a key.  Nothing is sealed for them, so what a file of the
 * user's says is all that there is.
 */
#ifndef SHIM_KEYLESS_H
#define SHIM_KEYLESS_H

#include <stdbool.h>
#include <stddef.h>

struct failure;
struct provider;

/*
 * Where the user's own files alone say that p needs no key, or where its requests go: has the
 * broker a key of it?  The vault is unlocked for that as for a launch with a key.  Without any
 * vault, and inside a session, nothing is asked.  0; or -1, and it must not be started.
 */
int keyless_check(const struct provider *p, struct failure *f);

/* For people: where p's requests go and which file of theirs says so; "" where the shipped
 * one does. */
void keyless_address(const struct provider *p, char *out, size_t size);

#endif
