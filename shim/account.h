/*
 * shim/account.h - what of the client works with the person's own account of claude.ai alone.
 */
#ifndef SHIM_ACCOUNT_H
#define SHIM_ACCOUNT_H

struct failure;
struct provider;

/*
 * Do these words (they end with NULL) ask for such a thing, and would p's requests be made
 * without that account?  The client passes over some of them in silence, and says of others
 * that nobody is logged in.  0, or -1 with what to do.
 */
int account_check(const struct provider *p, char *const *words, struct failure *f);

#endif
