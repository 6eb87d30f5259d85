/*
 * shim/background.h - what the client has a server start that may be outside the session: agents,
 * by its background service, and itself in tmux.
 *
 * There is one such service for each of the client's directories, and it serves every client of
 * it: what it starts works for the session that the service itself belongs to.
 */
#ifndef SHIM_BACKGROUND_H
#define SHIM_BACKGROUND_H

#include <stdbool.h>
#include <sys/types.h>
#include "wire/limits.h"

struct failure;
struct provider;

/*
 * Are these words (they end with NULL) for agents in the background?  These are to go on when
 * the command has ended.
 */
bool background_wanted(char *const *words);

/* Do they have the client start itself anew in tmux, beside a work tree?  It names the real
 * program there, and the server gives that the environment of whoever started the server. */
bool tmux_wanted(char *const *words);

enum background_owner {
	BACKGROUND_NONE,    /* none runs */
	BACKGROUND_OUTSIDE, /* it was started outside all sessions, and has the user's own login */
	BACKGROUND_UNKNOWN, /* a session's of which this broker knows nothing */
	BACKGROUND_ENDED,   /* a session's that has ended: what it starts is refused */
	BACKGROUND_ANOTHER, /* a session's of another provider */
	BACKGROUND_OURS	    /* a session's of the same */
};

struct background {
	enum background_owner owner;
	pid_t pid;
	char name[2 * NAME_MAX_LEN + 2]; /* ANOTHER: that provider, and its mode */
	char session[17];		 /* OURS: the one that agents end with; or "" */
};

/* The service where the client of p looks for one, and whose it is.  A session is told nothing
 * of others: it finds one that is outside, or none. */
void background_find(const struct provider *p, struct background *b);

/* End the service of a session that has ended, so that the client starts another.  Whether it
 * has is looked at again.  Has it ended? */
bool background_end(const struct provider *p, struct background *b);

/*
 * Would an agent be started by the wrong service?  scoped: this session signals nothing outside,
 * and so cannot replace the service.  0 or -1.
 */
int background_check(const struct background *b, bool scoped, struct failure *f);

/* Tell a person where agents of this session go, if that is not what it looks like.  wanted: it
 * is for such alone. */
void background_print(const struct background *b, bool scoped, bool wanted);

#endif
