/*
 * client/common/links.c - a user's own commands: symbolic links to ccrun.
 */
#include "client/common/links.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"

/* Does path, links followed, name this installation's ccrun? */
static bool link_leads_to_ccrun(const char *path)
{
	char ccrun[PATH_SIZE];
	struct stat ours, theirs;

	return path_installed("bin/ccrun", ccrun, NULL) == 0 && stat(ccrun, &ours) == 0 &&
	       stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

bool link_is_ours(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && link_leads_to_ccrun(path);
}

bool link_join(char out[PATH_SIZE], const char *dir, size_t n, const char *name)
{
	return snprintf(out, PATH_SIZE, "%.*s/%s", (int)n, dir, name) < PATH_SIZE;
}

bool link_in_path(const char *name, bool ours, char out[PATH_SIZE])
{
	const char *p = getenv("PATH");
	struct stat st;
	size_t n;

	for (; p && *p; p += n + (p[n] == ':')) {
		n = strcspn(p, ":");
		if (n == 0 || p[0] != '/' || !link_join(out, p, n, name) || lstat(out, &st) != 0 ||
		    S_ISDIR(st.st_mode))
			continue;
		if (link_is_ours(out) == ours)
			return true;
	}
	return false;
}

bool link_dir_in_path(const char *dir)
{
	const char *p = getenv("PATH");
	size_t n;

	for (; p && *p; p += n + (p[n] == ':')) {
		n = strcspn(p, ":");
		if (n == strlen(dir) && strncmp(p, dir, n) == 0)
			return true;
	}
	return false;
}

int link_choose_dir(const char *given, char out[PATH_SIZE], struct failure *f)
{
	char home[PATH_SIZE];

	if (given) {
		if (!realpath(given, out))
			return fail_errno(f, NULL, "%s", given);
		return 0;
	}
	if (path_installed("bin", out, f) != 0)
		return -1;
	if (access(out, W_OK) == 0 && link_dir_in_path(out))
		return 0;
	if (path_home(home, f) != 0)
		return -1;
	if (snprintf(out, PATH_SIZE, "%s/.local", home) >= PATH_SIZE - 8)
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s: path too long", home);
	if (path_make_directory(out, 0755) != 0 && errno != EEXIST)
		return fail_errno(f, NULL, "%s", out);
	strcat(out, "/bin");
	return path_make_directory(out, 0755) == 0 || errno == EEXIST
		       ? 0
		       : fail_errno(f, NULL, "%s", out);
}

int link_meaning(const char *name, char out[LINK_VALUE], struct failure *f)
{
	const struct ini_item *it;
	struct ini_file *file;
	int r = ccrun_conf_read(&file, f);

	out[0] = '\0';
	it = r == INI_READ ? ini_file_get(file, "links", name) : NULL;
	if (it)
		snprintf(out, LINK_VALUE, "%s", it->value);
	ini_file_free(file);
	return r == INI_FAILED ? -1 : it != NULL;
}
