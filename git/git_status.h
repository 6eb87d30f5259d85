/*
 * git/git_status.h - what is shown of a git repository: branch, name, page,
 * whether files are changed.  Reads .git itself: never runs git, and so nothing
 * that the repository's configuration names.
 */
#ifndef GIT_GIT_STATUS_H
#define GIT_GIT_STATUS_H

#include <stdbool.h>
#include "git/git_index.h"

struct git_query {
	const char *dir; /* a directory in the repository; NULL: none */
	bool want_dirty; /* check the tracked files, too */
	int budget_ms;	 /* for that check; with 0 or less it is not made */
};

struct git_status {
	bool found;
	bool detached; /* HEAD names no branch (also during a rebase or a bisection) */
	bool worktree; /* a linked one (git worktree add) */
	bool submodule;
	char branch[256]; /* or the short id; "NAME|rebase", "|bisect", "|merge" during one;
			     "" where it cannot be told */
	char repo[128];
	char url[512]; /* https page of origin, or "" */
	enum git_dirty dirty;
};

/*
 * Never fails: found is false when there is no repository or it cannot be read.
 * Texts are as found on disk and may be an attacker's, except for url, which has
 * no character that needs escaping: the caller cleans them for display.  They are
 * cut to their size and end with NUL.  Not reentrant: the work space is static.
 *
 * Dirty is what the index and lstat() tell: a tracked file that is missing, has
 * another type, executable bit, size or time than the index says, something
 * staged, a conflict.  Not seen: untracked files; changes inside submodules;
 * a commit that was taken back with the index left as it was (reset --soft).
 * Shown as dirty though git would find the same bytes: a file that was merely
 * touched, until the next git status; a path that was staged and taken out again,
 * or was given a flag (update-index --skip-worktree), until the next commit,
 * checkout or reset --hard.
 */
void git_status_read(const struct git_query *query, struct git_status *out);

#endif
