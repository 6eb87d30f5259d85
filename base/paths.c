/*
 * base/paths.c - the XDG directories, the installation, and checks of owner and mode.
 */
#include "base/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"

/* out (PATH_SIZE bytes) = a, b and, unless it is NULL, "/" and leaf. */
static int path_join(char *out, struct failure *f, const char *a, const char *b, const char *leaf)
{
	int n = snprintf(out, PATH_SIZE, "%s%s%s%s", a, b, leaf ? "/" : "", leaf ? leaf : "");

	if (n < 0 || n >= PATH_SIZE)
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "path too long: %.100s...", a);
	return 0;
}

/* The variable if it is an absolute path, else NULL. */
static const char *env_absolute(const char *variable)
{
	const char *v = getenv(variable);

	return v && v[0] == '/' ? v : NULL;
}

/* One that does not exist or, after su, is another user's, counts as unset: the specification
 * wants a replacement then, not a failure. */
static bool path_is_own_directory(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

int path_home(char *out, struct failure *f)
{
	const char *home = env_absolute("HOME");

	if (!home)
		return fail_set(f, FAIL_CONFIG, "set HOME to your home directory",
				"HOME is not set to an absolute path");
	return path_join(out, f, home, "", NULL);
}

/* The kinds that a variable or a default below the home directory says. */
static const struct xdg {
	const char *variable, *fallback;
} kinds[] = { [PATH_CONFIG] = { "XDG_CONFIG_HOME", "/.config/ccrun" },
	      [PATH_DATA] = { "XDG_DATA_HOME", "/.local/share/ccrun" },
	      [PATH_STATE] = { "XDG_STATE_HOME", "/.local/state/ccrun" },
	      [PATH_CACHE] = { "XDG_CACHE_HOME", "/.cache/ccrun" } };

static int path_by_default(const struct xdg *k, const char *leaf, char *out, struct failure *f)
{
	char home[PATH_SIZE];

	return path_home(home, f) != 0 ? -1 : path_join(out, f, home, k->fallback, leaf);
}

static int path_xdg(enum path_kind kind, const char *leaf, char *out, struct failure *f)
{
	const struct xdg *k = &kinds[kind];
	const char *dir = env_absolute(k->variable);

	return dir ? path_join(out, f, dir, "/ccrun", leaf) : path_by_default(k, leaf, out, f);
}

const char *path_astray(enum path_kind kind, const char *leaf, char *normal)
{
	const struct xdg *k = &kinds[kind];
	char path[PATH_SIZE];

	if (!env_absolute(k->variable) || path_xdg(kind, leaf, path, NULL) != 0 ||
	    access(path, F_OK) == 0 || path_by_default(k, leaf, normal, NULL) != 0 ||
	    access(normal, F_OK) != 0)
		return NULL;
	return k->variable;
}

int path_expand(const char *text, char *out, struct failure *f)
{
	static const struct {
		const char *variable, *fallback;
	} bases[] = { { "XDG_CONFIG_HOME", "/.config" },
		      { "XDG_DATA_HOME", "/.local/share" },
		      { "XDG_STATE_HOME", "/.local/state" } };
	char home[PATH_SIZE];
	const char *dir;
	size_t i, n;

	if (text[0] == '/')
		return path_join(out, f, text, "", NULL);
	if (strncmp(text, "~/", 2) == 0)
		return path_home(home, f) != 0 ? -1 : path_join(out, f, home, "", text + 2);
	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		n = strlen(bases[i].variable);
		if (text[0] != '$' || strncmp(text + 1, bases[i].variable, n) != 0 ||
		    text[n + 1] != '/')
			continue;
		dir = env_absolute(bases[i].variable);
		if (dir)
			return path_join(out, f, dir, "", text + n + 2);
		return path_home(home, f) != 0
			       ? -1
			       : path_join(out, f, home, bases[i].fallback, text + n + 2);
	}
	return fail_set(f, FAIL_CONFIG, NULL, "not an absolute path: %.100s", text);
}

bool path_runtime_ignored(void)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	return dir && dir[0] && (dir[0] != '/' || !path_is_own_directory(dir));
}

static int path_runtime(const char *leaf, char *out, struct failure *f)
{
	const char *dir = env_absolute("XDG_RUNTIME_DIR");
	char standard[64], sub[256];
	struct stat st;

	if (dir && path_is_own_directory(dir))
		return path_join(out, f, dir, "/ccrun", leaf);
	snprintf(standard, sizeof(standard), "/run/user/%u", (unsigned)getuid());
	if (lstat(standard, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == getuid())
		return path_join(out, f, standard, "/ccrun", leaf);
	snprintf(sub, sizeof(sub), "run%s%s", leaf ? "/" : "", leaf ? leaf : "");
	return path_xdg(PATH_STATE, sub, out, f);
}

int path_of(enum path_kind kind, const char *leaf, char *out, struct failure *f)
{
	return kind == PATH_RUNTIME ? path_runtime(leaf, out, f) : path_xdg(kind, leaf, out, f);
}

int path_installed(const char *rest, char *out, struct failure *f)
{
	char exe[PATH_SIZE], *slash;
	ssize_t n;
	int up;

	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		return fail_errno(f, "is /proc mounted?", "/proc/self/exe");
	exe[n] = '\0';
	up = strstr(exe, "/libexec/ccrun/") ? 3 : 2;
	while (up-- > 0) {
		slash = strrchr(exe, '/');
		if (!slash)
			return fail_set(f, FAIL_CONFIG, NULL, "cannot tell where %s is installed",
					exe);
		*slash = '\0';
	}
	return path_join(out, f, exe, "", rest);
}

int path_make_directory(const char *path, mode_t mode)
{
	if (mkdir(path, mode) != 0)
		return -1;
	/* Where we may not read what is above, its owner has to have seen to that. */
	return io_sync_parent(path) == 0 || errno == EACCES || errno == EINVAL ? 0 : -1;
}

int path_make_parents(const char *path, struct failure *f)
{
	char copy[PATH_SIZE], *p;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
		errno = ENAMETOOLONG;
		return fail_errno(f, NULL, "make directories of %s", path);
	}
	for (p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (path_make_directory(copy, 0700) != 0 && errno != EEXIST && errno != EROFS &&
		    errno != EACCES)
			return fail_errno(f, NULL, "make directory %s", copy);
		*p = '/';
	}
	return 0;
}

/* A part of path that is a symbolic link of the user's, into link: who follows it is led
 * where somebody else chose. */
static bool path_find_link(const char *path, char link[PATH_SIZE])
{
	struct stat st;
	char *slash;
	bool last;

	if (snprintf(link, PATH_SIZE, "%s", path) >= PATH_SIZE)
		return false;
	for (slash = link; slash; slash = last ? NULL : slash) {
		slash = strchr(slash + 1, '/');
		last = !slash;
		if (slash)
			*slash = '\0';
		if (lstat(link, &st) == 0 && S_ISLNK(st.st_mode) && st.st_uid &&
		    st.st_uid == geteuid())
			return true;
		if (slash)
			*slash = '/';
	}
	return false;
}

/* Did root leave it in a directory of the user's own, as ccctl does that is run by sudo?  Then it
 * needs no root to be rid of it. */
static bool path_is_roots_leftover(const char *path)
{
	char parent[PATH_SIZE], *slash;
	struct stat st;

	if (snprintf(parent, sizeof(parent), "%s", path) >= (int)sizeof(parent))
		return false;
	slash = strrchr(parent, '/');
	if (!slash || slash == parent || lstat(path, &st) != 0 || st.st_uid != 0)
		return false;
	*slash = '\0';
	return lstat(parent, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

void path_hint_owner(const char *path, struct failure *f)
{
	/* su and sudo can leave a variable that leads to another user's. */
	static const char *const variables[] = { "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
						 "XDG_DATA_HOME",   "XDG_STATE_HOME",
						 "XDG_CACHE_HOME",  "HOME" };
	char link[PATH_SIZE];
	const char *dir;
	size_t i;

	if (path_find_link(path, link)) {
		fail_hint(f, "%s is a symbolic link: if you did not make it, remove the link",
			  link);
		return;
	}
	for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		dir = env_absolute(variables[i]);
		if (dir && strncmp(path, dir, strlen(dir)) == 0 && !path_is_own_directory(dir)) {
			fail_hint(f, "%s=%s leads there; after su or sudo: su -, sudo -i",
				  variables[i], dir);
			return;
		}
	}
	if (path_is_roots_leftover(path))
		fail_hint(f, "root made it, as under sudo; out of the way with it: mv %s %s.root",
			  path, path);
	else
		fail_hint(f, "leave it to its owner, and choose another directory");
}

int path_check_own(enum path_kind kind, struct failure *f)
{
	char path[PATH_SIZE];
	struct stat st;

	if (path_of(kind, NULL, path, f) != 0)
		return -1;
	/* In a directory that we may not search it is another's, too. */
	if (stat(path, &st) == 0 ? st.st_uid == geteuid() : errno != EACCES)
		return 0;
	fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s is not yours (you are uid %u)", path,
		 (unsigned)geteuid());
	path_hint_owner(path, f);
	return -1;
}

int path_private_dir(const char *path, struct failure *f)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		if (path_make_parents(path, f) != 0)
			return -1;
		if (path_make_directory(path, 0700) != 0 && errno != EEXIST)
			return fail_errno(f, NULL, "make directory %s", path);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0) {
		fail_errno(f, NULL, "directory %s", path);
		if (errno == ELOOP || errno == ENOTDIR)
			fail_set(f, FAIL_UNSAFE_PATH, "put a real directory there",
				 "%s: a symbolic link or a file where a private directory belongs",
				 path);
		return -1;
	}
	if (fstat(fd, &st) != 0) {
		fail_errno(f, NULL, "directory %s", path);
		goto bad;
	}
	if (!control_active(CONTROL_PRIVATE_DIRECTORIES))
		return fd;
	if (st.st_uid != geteuid()) {
		fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s belongs to uid %u, not to you (uid %u)",
			 path, (unsigned)st.st_uid, (unsigned)geteuid());
		path_hint_owner(path, f);
		goto bad;
	}
	if (st.st_mode & 077) {
		fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s is open to others (mode %04o)", path,
			 (unsigned)(st.st_mode & 07777));
		fail_hint(f, "chmod 700 %s", path);
		goto bad;
	}
	return fd;
bad:
	close(fd);
	return -1;
}

void path_hint_writers(const char *path, const struct stat *st, struct failure *f)
{
	/* A command for root would change what somebody has led the path to. */
	if (st->st_uid == geteuid())
		fail_hint(f, "chmod go-w %s", path);
	else
		fail_hint(f, "it is not yours to close: have one that only you and root can write");
}

int path_check_trusted(int fd, const char *path, struct failure *f)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail_errno(f, NULL, "%s", path);
	if (!control_active(CONTROL_TRUSTED_FILES))
		return 0;
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s belongs to uid %u, who could change it",
			 path, (unsigned)st.st_uid);
		fail_hint(f, "if you trust what is in it, make a copy of your own in its place");
		return -1;
	}
	if (st.st_mode & 022) {
		fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s can be written by others (mode %04o)", path,
			 (unsigned)(st.st_mode & 07777));
		path_hint_writers(path, &st, f);
		return -1;
	}
	return 0;
}

int path_trusted_dir(const char *path, struct failure *f)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return path_private_dir(path, f);
	if (fd < 0)
		return fail_errno(f, NULL, "%s", path);
	if (path_check_trusted(fd, path, f) == 0)
		return fd;
	close(fd);
	return -1;
}

/* One file or directory of the way; path is all of it up to here. */
static int path_check_root_alone(const char *path, bool last, struct failure *f)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return fail_errno(f, NULL, "%s", path);
	if (st.st_uid != 0)
		return fail_set(f, FAIL_UNSAFE_PATH, "use one that root has installed",
				"%s belongs to uid %u, who could change it", path,
				(unsigned)st.st_uid);
	if (last ? !S_ISREG(st.st_mode) || access(path, X_OK) != 0 : !S_ISDIR(st.st_mode))
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s is no program", path);
	if (st.st_mode & 022 && (last || !(st.st_mode & S_ISVTX)))
		return fail_set(f, FAIL_UNSAFE_PATH, "use one that root alone can change",
				"%s can be written by others (mode %04o)", path,
				(unsigned)(st.st_mode & 07777));
	return 0;
}

int path_root_owned(const char *path, char *out, struct failure *f)
{
	char *slash;
	int r;

	if (path[0] != '/' || !realpath(path, out)) {
		errno = path[0] != '/' ? EINVAL : errno;
		return fail_errno(f, "is it installed?", "%s", path);
	}
	if (path_check_root_alone("/", false, f) != 0)
		return -1;
	/* Every part but the last, then all of it. */
	for (slash = strchr(out + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = path_check_root_alone(out, false, f);
		*slash = '/';
		if (r != 0)
			return -1;
	}
	return path_check_root_alone(out, true, f);
}
