/*
 * git/git_worktree.h - which repository a directory is in, where the repository says so too.
 */
#ifndef GIT_GIT_WORKTREE_H
#define GIT_GIT_WORKTREE_H

#include <stdbool.h>
#include "git/git_file.h"

/*
 * repository (GIT_PATH bytes) = the common directory of the repository whose work tree
 * dir is in, as a real path; inside (GIT_PATH bytes) = dir's path below the top of that
 * work tree, "" for the top itself.
 *
 * A file .git in any directory can name any repository.  So true only if the directory
 * is vouched for: in the main work tree, .git is itself the repository's directory;
 * a linked one (git worktree add) is registered in the repository, by a file of the
 * caller's own that others cannot write and that names this work tree (gitrepository-layout(5),
 * "worktrees/<id>/gitdir").  A submodule, a separate git directory and a bare repository
 * have no such proof: false.
 */
bool git_worktree_find(const char *dir, char *repository, char *inside);

#endif
