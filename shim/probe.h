/*
 * shim/probe.h - trying what a version of Claude Code supports.
 */
#ifndef SHIM_PROBE_H
#define SHIM_PROBE_H

#include <stdbool.h>
#include "base/paths.h"

struct target;
struct tried;

/*
 * What the client supports: as kept, else, if may_run, tried now and kept (a client that
 * takes no relay is tried by each start).  A try runs it
 * with a question of ours, against an answer of ours: marked, in an empty home directory,
 * without the network where the system allows that, for some seconds at most.
 *
 * child: the program of a child that asked in its place, as where a script starts the client and
 * waits for it; or "".  No relay answers a child.
 *
 * False: not known.  It goes by another name than claude, or it gave no answer in time.
 */
bool probe_client(const struct target *t, bool may_run, struct tried *out, char child[PATH_SIZE]);

#define PROBE_VERSION 64

/*
 * What it says of its version, "2.1.330 (Claude Code)" as "2.1.330"; it is run for that each time,
 * as in a try.  False: it says nothing, and out is "".
 */
bool probe_version(const struct target *t, char out[PROBE_VERSION]);

#endif
