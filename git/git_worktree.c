/*
 * git/git_worktree.c - the repository of a work tree, proven from both sides.
 */
#include "git/git_worktree.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/git_repository.h"

/* realpath() wants room of PATH_MAX bytes. */
_Static_assert(GIT_PATH >= PATH_MAX, "a real path fits");

/* Is it of the caller's own, and closed to others?  (A group's members may write where the
 * user's umask lets them.) */
static bool owned(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_uid == geteuid() && !S_ISLNK(st.st_mode) &&
	       !(st.st_mode & S_IWOTH);
}

/* Does the line of dir/name, a path that may be relative to dir, lead to the same file as
 * path, which is real? */
static bool line_names(const char *dir, const char *name, const char *path)
{
	char line[GIT_PATH], joined[GIT_PATH], real[GIT_PATH];

	return git_file_read_line(dir, name, false, line, sizeof(line)) &&
	       git_path_join(joined, dir, line) && realpath(joined, real) &&
	       strcmp(real, path) == 0;
}

/* In the main work tree the repository is the directory .git itself, and no link to one. */
static bool main_proven(const struct git_repository *r)
{
	char path[GIT_PATH];
	struct stat st;

	return git_path_join(path, r->top, ".git") && lstat(path, &st) == 0 &&
	       S_ISDIR(st.st_mode) && strcmp(path, r->git_dir) == 0;
}

/* A linked one's git directory is REPOSITORY/worktrees/ID, and its file gitdir names the
 * .git file that named it. */
static bool linked_proven(const struct git_repository *r)
{
	char dir[GIT_PATH], up[GIT_PATH], file[GIT_PATH];
	char *slash;

	if (!realpath(r->git_dir, dir) || strlen(dir) >= sizeof(up))
		return false;
	strcpy(up, dir);
	slash = strrchr(up, '/');
	*slash = '\0';
	slash = strrchr(up, '/');
	if (!slash || strcmp(slash, "/worktrees") != 0)
		return false;
	*slash = '\0';
	if (strcmp(up, r->common) != 0 || !owned(up) || !owned(dir) ||
	    !git_path_join(file, dir, "gitdir") || !owned(file))
		return false;
	return git_path_join(file, r->top, ".git") && line_names(dir, "gitdir", file);
}

bool git_worktree_find(const char *dir, char *repository, char *inside)
{
	static struct git_repository r;
	char real[GIT_PATH];
	size_t n;

	if (!dir || !realpath(dir, real) || !git_repository_find(real, &r) || r.bare)
		return false;
	if (!(r.linked ? linked_proven(&r) : main_proven(&r)) || !realpath(r.common, repository))
		return false;
	n = strlen(r.top);
	if (strncmp(real, r.top, n) != 0)
		return false;
	strcpy(inside, real + n + (real[n] == '/'));
	return true;
}
