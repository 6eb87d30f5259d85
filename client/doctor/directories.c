/*
 * client/doctor/directories.c - checks: the user's directories, whose they are and who can write
 * there.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/paths.h"
#include "client/doctor/checks.h"

static const struct {
	enum path_kind kind;
	bool is_private; /* nobody else may read it */
} kinds[] = { { PATH_CONFIG, false },
	      { PATH_DATA, true },
	      { PATH_STATE, true },
	      { PATH_CACHE, true },
	      { PATH_RUNTIME, true } };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* One that is there must be as the programs want it, which else do not start. */
static void directory_check(struct checkup *d, const char *path, bool is_private)
{
	struct failure f = { 0 };
	struct stat st;

	if (lstat(path, &st) != 0)
		return;
	if (S_ISLNK(st.st_mode) && is_private) {
		found_broken(d, "make it a directory", "%s is a symbolic link", path);
		return;
	}
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		found_broken(d, "make it a directory", "%s is no directory", path);
	} else if (st.st_uid != geteuid() && (is_private || st.st_uid != 0)) {
		path_hint_owner(path, &f);
		found_broken(d, f.hint, "%s belongs to uid %u, not to you", path,
			     (unsigned)st.st_uid);
	} else if (st.st_mode & (is_private ? 077 : 022)) {
		found_broken(d, NULL, "%s can be %s by others (mode %04o)", path,
			     st.st_mode & 022 ? "written" : "read", (unsigned)(st.st_mode & 07777));
		if (is_private)
			found_hint(d, "chmod 700 %s", path);
		else
			path_hint_writers(path, &st, &d->finding[d->n - 1].said);
	}
}

void check_directories(struct checkup *d)
{
	struct failure f = { 0 };
	char path[PATH_SIZE];
	unsigned i;

	for (i = 0; i < KINDS; i++)
		if (path_of(kinds[i].kind, NULL, path, &f) != 0)
			found_failure(d, CHECK_BROKEN, &f, NULL);
		else
			directory_check(d, path, kinds[i].is_private);
	if (!found_any(d))
		found_ok(d, "your own, and closed to others");
}

void check_runtime(struct checkup *d)
{
	const char *said = getenv("XDG_RUNTIME_DIR");
	char path[PATH_SIZE];

	if (path_of(PATH_RUNTIME, NULL, path, NULL) != 0)
		return;
	if (path_runtime_ignored())
		found_advice(d,
			     "unset XDG_RUNTIME_DIR, or log in properly (ssh, machinectl shell) "
			     "in place of su",
			     "XDG_RUNTIME_DIR (%s) is no directory of yours and not used: sockets "
			     "are in %s",
			     said, path);
	else
		found_ok(d, "sockets are in %s", path);
}
