/*
 * shim/background.h - what the client has a server start that may be outside the session: agents
 * in the background (`claude --bg`), and itself in tmux.
 */
#ifndef SHIM_BACKGROUND_H
#define SHIM_BACKGROUND_H

#include <stdbool.h>
#include <sys/types.h>

struct provider;

/* Do these words (they end with NULL) start an agent in the background? */
bool background_wanted(char *const *words);

/* Do they have the client start itself anew in tmux, beside a work tree?  It names the real
 * program there, and the server gives that the environment of whoever started the server. */
bool tmux_wanted(char *const *words);

/*
 * The service where the client of p looks for one, if it was started outside all sessions:
 * agents that it starts use the user's own login.  A client of p ends it and starts another,
 * which one that signals nothing outside cannot.  Its pid, or 0.
 */
pid_t background_outside(const struct provider *p);

#endif
