/*
 * helpers/source/agent.h - is the agent that will ask for a manager's passphrase one of a session?
 *
 * gpg and rbw leave that to an agent (gpg-agent, with its pinentry), which is whoever listens at a
 * place in the user's directories.  A program of a session can listen there, and be told what a
 * person types.  So who answers there is looked at before the manager runs, and whatever comes to
 * that place while it runs: one that descends from a session (base/proc.h), or that cannot be looked at,
 * ends it.
 *
 * An answer tells, not the listener: gpg-agent forks after it has called listen(2), and the kernel
 * would name its parent, which has ended.
 *
 * Between two looks another could come, be used, and be gone.  So the directory is watched
 * (inotify(7)), and those above it: one agent may come where there was none, as the manager starts
 * it, and nothing else may happen there.
 */
#ifndef HELPERS_SOURCE_AGENT_H
#define HELPERS_SOURCE_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/paths.h"
#include "config/source/command.h"

struct agent_kind;
struct failure;

enum agent_state { AGENT_ABSENT, AGENT_CAME, AGENT_ASKED, AGENT_KNOWN };

struct agent {
	const struct agent_kind *kind; /* NULL: the manager has none */
	char path[PATH_SIZE];
	enum agent_state state;
	int watch, dir; /* inotify(7), and its number of the socket's directory */
	int fd;		/* a connection whose first answer is awaited, or -1 */
	bool runs;	/* the manager does */
	int64_t connected, deadline;
};

/*
 * Look for the agent of this command's program, which is to be run.  0; or -1 with f set: it must
 * not be.  agent_end is due either way.
 */
int agent_begin(struct agent *a, const struct command_words *w, struct failure *f);

/*
 * Look again, without waiting: when a->watch can be read, and in *ms (which is made smaller) at the
 * latest.  0; or -1 with f set: the manager must end, and nothing of it be used.
 */
int agent_check(struct agent *a, int *ms, struct failure *f);

/* The last look, after its end: waits for an answer that is due. */
int agent_settle(struct agent *a, struct failure *f);

void agent_end(struct agent *a);

#endif
