/*
 * statusline/git_status.h - what a repository shows of itself: branch, name,
 * page, changes.  Reads .git, never runs git, executes no configuration.
 */
#ifndef STATUSLINE_GIT_STATUS_H
#define STATUSLINE_GIT_STATUS_H

#include <stdbool.h>

struct git_look {
	const char *dir; /* where to begin; NULL: nowhere */
	bool want_dirty; /* look at the tracked files, too */
	int budget_ms;	 /* for that; 0 or less: no time at all */
};

struct git_found {
	bool found;
	bool detached;	  /* HEAD names no branch (a rebase or a bisection does that as well) */
	bool worktree;	  /* a linked one (git worktree add) */
	bool submodule;
	char branch[256]; /* or the short id; "NAME|rebase", "|bisect", "|merge" meanwhile;
			     "" where it cannot be told */
	char repo[128];
	char url[512];	  /* https page of origin, or "" */
	/* GIT_UNKNOWN: not asked for, no time left, or not to be told from here. */
	enum { GIT_CLEAN, GIT_DIRTY, GIT_UNKNOWN } dirty;
};

/*
 * Never fails: found is false when there is no repository or it cannot be read.
 * Text is as found on disk, cut to its room: hostile (the caller cleans it for
 * display), but always ends with NUL; url alone is of safe characters.  One look
 * at a time: the work space is static.
 *
 * Dirty is what the index and lstat() tell: a tracked file that is missing, has
 * another type, executable bit, size or time than when git last looked, something
 * staged, a conflict.  Not seen: untracked files; changes inside submodules;
 * a commit that was taken back with the index left as it was (reset --soft).
 * Shown as dirty though git would find the same bytes: a file that was merely
 * touched, until the next git status; a path that was staged and taken out again,
 * or was given a flag (update-index --skip-worktree), until the next commit,
 * checkout or reset --hard.
 */
void git_look_at(const struct git_look *look, struct git_found *out);

#endif
