/*
 * shim/background.h - the client's background service, which starts agents for `claude --bg`.
 */
#ifndef SHIM_BACKGROUND_H
#define SHIM_BACKGROUND_H

#include <stdbool.h>
#include <sys/types.h>

struct provider;

/* Do these words (they end with NULL) start an agent in the background? */
bool background_wanted(char *const *words);

/*
 * The service where the client of p looks for one, if it was started outside all sessions:
 * agents that it starts use the user's own login.  A client of p ends it and starts another,
 * which one that signals nothing outside cannot.  Its pid, or 0.
 */
pid_t background_outside(const struct provider *p);

#endif
