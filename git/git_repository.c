/*
 * git/git_repository.c - finds the repository around a directory and reads
 * its HEAD.  Its files may be an attacker's: reads are bounded, and no chain of
 * files that name each other is followed.
 */
#include "git/git_repository.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEVELS_MAX 256 /* directories from dir to the root */

/* realpath() wants room of PATH_MAX bytes. */
_Static_assert(GIT_PATH >= PATH_MAX, "a real path fits");

enum search_result {
	SEARCH_CONTINUE, /* no repository here: look in the directory above */
	SEARCH_FOUND,
	SEARCH_STOP /* git looks no further, so there is none */
};

/* ---- HEAD ---- */

bool git_is_object_id(const char *s)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return (n == 40 || n == 64) && (s[n] == '\0' || isspace((unsigned char)s[n]));
}

/* false: HEAD has none of the forms that git accepts. */
static bool head_read(const char *git_dir, struct git_repository *r)
{
	char line[GIT_REF_MAX], path[GIT_PATH];
	const char *ref = line;
	ssize_t n;

	errno = 0;
	if (!git_file_read_line(git_dir, "HEAD", false, line, sizeof(line))) {
		/* The old form: a symbolic link. */
		if (errno != ELOOP || !git_path_join(path, git_dir, "HEAD"))
			return false;
		n = readlink(path, line, sizeof(line) - 1);
		if (n < 0)
			return false;
		line[n] = '\0';
	} else if (strncmp(line, "ref:", 4) == 0) {
		ref += 4;
		while (isspace((unsigned char)*ref))
			ref++;
	} else {
		r->detached = git_is_object_id(line);
		strcpy(r->head, line);
		return r->detached;
	}
	r->detached = false;
	strcpy(r->head, ref);
	return strncmp(ref, "refs/", 5) == 0;
}

/* ---- is this directory a repository? ---- */

static bool subdir_accessible(const char *dir, const char *name)
{
	char path[GIT_PATH];

	return git_path_join(path, dir, name) && access(path, X_OK) == 0;
}

/* Is it a git directory?  Then git_dir, common, linked and HEAD are filled in. */
static bool git_dir_read(const char *git_dir, struct git_repository *r)
{
	char line[GIT_PATH], path[GIT_PATH];

	if (!head_read(git_dir, r))
		return false;
	r->linked = false;
	strcpy(r->common, git_dir);
	if (git_file_read_line(git_dir, "commondir", true, line, sizeof(line))) {
		/* Resolved, because the repository's name is taken from it and it
		 * ends in "../..". */
		if (!git_path_join(path, git_dir, line) || !realpath(path, r->common))
			return false;
		r->linked = true;
	}
	if (!subdir_accessible(r->common, "objects") || !subdir_accessible(r->common, "refs"))
		return false;
	memmove(r->git_dir, git_dir, strlen(git_dir) + 1);
	return true;
}

/* A file .git: "gitdir: PATH".  PATH must be a git directory, not another such file. */
static bool git_file_follow(const char *top, struct git_repository *r)
{
	char line[GIT_PATH], path[GIT_PATH];
	const char *to = line + 7;

	if (!git_file_read_line(top, ".git", true, line, sizeof(line)) ||
	    strncmp(line, "gitdir:", 7) != 0)
		return false;
	while (*to == ' ')
		to++;
	return *to != '\0' && git_path_join(path, top, to) && git_dir_read(path, r);
}

static enum search_result search_directory(const char *top, struct git_repository *r)
{
	char path[GIT_PATH];
	struct stat st;

	r->git_file = r->bare = false;
	if (git_path_join(path, top, ".git") && stat(path, &st) == 0) {
		r->git_file = S_ISREG(st.st_mode);
		if (r->git_file)
			return git_file_follow(top, r) ? SEARCH_FOUND : SEARCH_STOP;
		if (S_ISDIR(st.st_mode) && git_dir_read(path, r))
			return SEARCH_FOUND;
	}
	r->bare = true;
	return git_dir_read(top, r) ? SEARCH_FOUND : SEARCH_CONTINUE;
}

/* ---- upwards ---- */

/*
 * out (GIT_PATH bytes) = the real path of dir, which git's getcwd() gives: the
 * ".." of a symbolic link's path is another directory.
 */
static bool resolve_directory(const char *dir, char *out, struct stat *st)
{
	struct stat here;

	if (stat(dir, st) != 0 || !S_ISDIR(st->st_mode))
		return false;
	/* Mostly dir is the working directory, and getcwd() is one system call. */
	if (stat(".", &here) == 0 && here.st_dev == st->st_dev && here.st_ino == st->st_ino &&
	    getcwd(out, GIT_PATH) && out[0] == '/')
		return true;
	return realpath(dir, out) != NULL;
}

bool git_repository_find(const char *dir, struct git_repository *r)
{
	enum search_result result;
	struct stat st;
	unsigned level;
	char *slash;
	dev_t dev;

	if (!dir || !resolve_directory(dir, r->top, &st))
		return false;
	dev = st.st_dev;
	for (level = 0; level < LEVELS_MAX; level++) {
		result = search_directory(r->top, r);
		if (result != SEARCH_CONTINUE)
			return result == SEARCH_FOUND;
		slash = strrchr(r->top, '/');
		if (!slash || r->top[1] == '\0')
			return false;
		slash[slash == r->top] = '\0';
		if (stat(r->top, &st) != 0 || st.st_dev != dev)
			return false; /* another file system */
	}
	return false;
}
