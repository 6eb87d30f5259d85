/*
 * shim/program_search.h - finding a program by its name, and what is Claude Code.
 */
#ifndef SHIM_PROGRAM_SEARCH_H
#define SHIM_PROGRAM_SEARCH_H

#include <stdbool.h>
#include "base/paths.h"

/*
 * Search PATH as execvp does, but never in a relative directory: a repository must not choose what
 * gets the token.  Nor in one of ours, whose programs look here.  Otherwise *seen becomes true, and
 * out the path, at the first file or broken link of that name that cannot be executed.
 */
bool program_search(const char *name, char out[PATH_SIZE], bool *seen);

/* The next of that name behind `after`, a path that program_search or this has found.  Likewise. */
bool program_search_next(const char *name, const char *after, char out[PATH_SIZE]);

/* Is it a file that this user may execute, and not this program itself? */
bool program_runs(const char *path);

/* Is an absolute or relative path (with a slash) Claude Code's, by its name or its file's? */
bool program_is_claude(const char *path);

/* Where a Claude Code is that PATH does not lead to.  False: at none of the usual places. */
bool program_elsewhere(char out[PATH_SIZE]);

#endif
