/*
 * shim/program_search.c - finding a program by its name, and what is Claude Code.
 */
#include "shim/program_search.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/paths.h"
#include "shim/inside.h"

static bool file_is_self(const struct stat *st)
{
	struct stat self;

	return stat("/proc/self/exe", &self) == 0 && self.st_dev == st->st_dev &&
	       self.st_ino == st->st_ino;
}

/* One of our own links, called as a provider. */
static bool file_is_self_link(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && file_is_self(&st);
}

bool program_runs(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0 &&
	       !file_is_self(&st);
}

bool program_search(const char *name, char out[PATH_SIZE], bool *seen)
{
	const char *p = getenv("PATH"), *end;
	char path[PATH_SIZE];
	struct stat st;
	int n;

	for (p = p ? p : "/usr/local/bin:/usr/bin:/bin"; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, ':');
		if (*p != '/' || inside_is_dir(p, (size_t)(end - p)))
			continue;
		n = snprintf(path, sizeof(path), "%.*s/%s", (int)(end - p), p, name);
		if (n < 0 || n >= PATH_SIZE)
			continue;
		if (program_runs(path)) {
			memcpy(out, path, sizeof(path));
			return true;
		}
		/* Of those that cannot be executed, the first is what a person means. */
		if (!*seen && lstat(path, &st) == 0 && !S_ISDIR(st.st_mode) &&
		    !file_is_self_link(path)) {
			memcpy(out, path, sizeof(path));
			*seen = true;
		}
	}
	return false;
}

bool program_is_claude(const char *path)
{
	static const char *const names[] = { "claude", "claude.exe", ".claude-wrapped" };
	char file[PATH_SIZE];
	size_t i;

	if (strcmp(strrchr(path, '/') + 1, "claude") == 0)
		return true;
	if (!realpath(path, file))
		return false;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(strrchr(file, '/') + 1, names[i]) == 0)
			return true;
	/* The client's own installer names a file by its version. */
	return strstr(file, "/claude/versions/") != NULL;
}

bool program_search_next(const char *name, const char *after, char out[PATH_SIZE])
{
	const char *p = getenv("PATH"), *end;
	bool behind = false;
	int n;

	for (p = p ? p : "/usr/local/bin:/usr/bin:/bin"; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, ':');
		n = snprintf(out, PATH_SIZE, "%.*s/%s", (int)(end - p), p, name);
		if (*p != '/' || n < 0 || n >= PATH_SIZE)
			continue;
		if (behind && !inside_is_dir(p, (size_t)(end - p)) && program_runs(out) &&
		    strcmp(out, after) != 0)
			return true;
		behind = behind || strcmp(out, after) == 0;
	}
	return false;
}

/*
 * Where installers and managers of versions put it, below the home directory.  A shell reaches
 * it by an alias, a function, or a PATH that its start-up files make.
 */
static const char *const places[] = {
	".local/bin/claude",
	".claude/local/claude",
	".claude/local/node_modules/.bin/claude",
	".nvm/versions/node/*/bin/claude",
	".volta/tools/image/packages/@anthropic-ai/claude-code/bin/claude",
	".volta/bin/claude",
	".asdf/installs/nodejs/*/bin/claude",
	".asdf/shims/claude",
	".local/share/mise/installs/node/*/bin/claude",
	".local/share/mise/installs/claude/*/bin/claude",
	".local/share/mise/shims/claude",
	".local/share/fnm/node-versions/*/installation/bin/claude",
	".npm-global/bin/claude",
	".local/share/pnpm/claude",
	".bun/bin/claude",
	".yarn/bin/claude",
	".nix-profile/bin/claude",
};

/* Of several versions that run, the newest: v20 is newer than v9. */
static bool place_find(const char *pattern, char out[PATH_SIZE])
{
	glob_t g;
	size_t i;
	const char *best = NULL;

	if (glob(pattern, GLOB_NOSORT, NULL, &g) != 0)
		return false;
	for (i = 0; i < g.gl_pathc; i++)
		if ((!best || strverscmp(g.gl_pathv[i], best) > 0) && program_runs(g.gl_pathv[i]))
			best = g.gl_pathv[i];
	if (best && snprintf(out, PATH_SIZE, "%s", best) >= PATH_SIZE)
		best = NULL;
	globfree(&g);
	return best;
}

bool program_elsewhere(char out[PATH_SIZE])
{
	char home[PATH_SIZE], pattern[PATH_SIZE];
	size_t i;
	int n;

	if (path_home(home, NULL) != 0 || strpbrk(home, "*?[\\"))
		return false;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		n = snprintf(pattern, sizeof(pattern), "%s/%s", home, places[i]);
		if (n > 0 && n < PATH_SIZE && place_find(pattern, out))
			return true;
	}
	return false;
}
