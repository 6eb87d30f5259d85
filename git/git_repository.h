/*
 * git/git_repository.h - finding the repository that a directory is in.
 */
#ifndef GIT_GIT_REPOSITORY_H
#define GIT_GIT_REPOSITORY_H

#include <stdbool.h>
#include "git/git_file.h"

#define GIT_REF_MAX 4096 /* bytes of HEAD's line, with its NUL */

/* Directories have their names in gitrepository-layout(5) and git-worktree(1). */
struct git_repository {
	char top[GIT_PATH];	/* the work tree; in a bare repository git_dir itself */
	char git_dir[GIT_PATH]; /* the directory with HEAD and index */
	char common[GIT_PATH];	/* $GIT_COMMON_DIR: objects, refs, config; mostly git_dir */
	char head[GIT_REF_MAX]; /* the ref that HEAD names, or the commit's id */
	bool detached;		/* HEAD is an id */
	bool git_file;		/* .git is a file that names git_dir ("gitdir: PATH") */
	bool linked;		/* git_dir has a commondir: made by git worktree add */
	bool bare;		/* no work tree */
};

/*
 * Find it as git does: from dir upwards, within one file system.  dir may be
 * NULL.  false: there is none, or it cannot be read.
 *
 * git refuses a repository of another user (safe.directory), because its
 * configuration names programs to run.  Here nothing is run, so reading is fine.
 * GIT_DIR and its like are ignored: what is shown is about the session's directory.
 */
bool git_repository_find(const char *dir, struct git_repository *r);

/* Is s an object's id (40 or 64 hexadecimal digits), at its end or before white space? */
bool git_is_object_id(const char *s);

#endif
