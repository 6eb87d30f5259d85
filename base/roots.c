/*
 * base/roots.c - following a path by hand, so that every step of it can be looked at.
 */
#include "base/roots.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"

#define LINKS_MAX 40 /* Linux follows as many */

struct walk {
	char at[PATH_SIZE];   /* what was looked at: no link, no ".." in it; "" is "/" */
	char rest[PATH_SIZE]; /* what is still to be followed */
	unsigned links;
	bool own;	 /* what belongs to this process's user will do */
	gid_t own_group; /* with own: what this group can write, too; or (gid_t)-1 */
};

static int fail_too_long(const char *path, struct failure *f)
{
	return fail_set(f, FAIL_UNSAFE_PATH, NULL, "path too long: %.100s...", path);
}

static int check_one(const struct walk *w, const char *path, const struct stat *st,
		     struct failure *f)
{
	bool sticky = w->own && S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);
	bool private = w->own && w->own_group != (gid_t)-1 && st->st_gid == w->own_group;
	mode_t others = private ? 002 : 022;

	if (st->st_uid != 0 && !(w->own && st->st_uid == geteuid()))
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%.200s belongs to uid %u, not to %s",
				path, (unsigned)st->st_uid, w->own ? "you or root" : "root");
	/* The mode of a link means nothing. */
	if (S_ISLNK(st->st_mode) || !(st->st_mode & others) || sticky)
		return 0;
	fail_set(f, FAIL_UNSAFE_PATH, NULL, "%.200s can be written by others than %s (mode %04o)",
		 path, w->own ? "you and root" : "root", (unsigned)(st->st_mode & 07777));
	path_hint_writers(path, st, f);
	return -1;
}

/* A link at `path`: what it says comes before the rest. */
static int walk_follow(struct walk *w, const char *path, struct failure *f)
{
	char target[PATH_SIZE], rest[PATH_SIZE];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0)
		return fail_errno(f, NULL, "%.200s", path);
	target[n] = '\0';
	if (++w->links > LINKS_MAX)
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%.200s: too many symbolic links", path);
	memcpy(rest, w->rest, sizeof(rest));
	if (snprintf(w->rest, sizeof(w->rest), "%s/%s", target, rest) >= (int)sizeof(w->rest))
		return fail_too_long(path, f);
	if (target[0] == '/')
		w->at[0] = '\0';
	return 0;
}

/* Take the next name off the rest.  1, 0 when there is none, -1. */
static int walk_step(struct walk *w, struct failure *f)
{
	char name[PATH_SIZE], path[2 * PATH_SIZE];
	size_t skip = strspn(w->rest, "/"), n = strcspn(w->rest + skip, "/");
	struct stat st;

	if (n == 0)
		return 0;
	memcpy(name, w->rest + skip, n);
	name[n] = '\0';
	memmove(w->rest, w->rest + skip + n, strlen(w->rest + skip + n) + 1);
	if (strcmp(name, ".") == 0)
		return 1;
	if (strcmp(name, "..") == 0) {
		if (strrchr(w->at, '/'))
			*strrchr(w->at, '/') = '\0';
		return 1;
	}
	if (snprintf(path, sizeof(path), "%s/%s", w->at, name) >= PATH_SIZE)
		return fail_too_long(path, f);
	if (lstat(path, &st) != 0)
		return fail_errno(f, NULL, "%.200s", path);
	if (check_one(w, path, &st, f) != 0)
		return -1;
	if (S_ISLNK(st.st_mode))
		return walk_follow(w, path, f) != 0 ? -1 : 1;
	memcpy(w->at, path, strlen(path) + 1);
	return 1;
}

static int path_walk(struct walk *w, const char *path, struct failure *f)
{
	struct stat st;
	int r;

	if (path[0] != '/')
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%.200s is no absolute path", path);
	if (strlen(path) >= sizeof(w->rest))
		return fail_too_long(path, f);
	memcpy(w->rest, path, strlen(path) + 1);
	w->at[0] = '\0';
	if (stat("/", &st) != 0 || check_one(w, "/", &st, f) != 0)
		return -1;
	while ((r = walk_step(w, f)) > 0)
		;
	return r;
}

int path_check_roots(const char *path, struct failure *f)
{
	struct walk w = { .own = false };

	return path_walk(&w, path, f);
}

int path_check_own_or_roots(const char *path, gid_t own_group, struct failure *f)
{
	struct walk w = { .own = true, .own_group = own_group };

	return path_walk(&w, path, f);
}
