/*
 * import/import_cage.c - which files ccrun-import may write.
 */
#include "import/import_cage.h"

#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/cage.h"
#include "sandbox/deny_list.h"
#include "sandbox/landlock.h"

#define WRITABLE_MAX 128
#define WRITES (LANDLOCK_WRITE | LANDLOCK_MAKE | LANDLOCK_REMOVE | LANDLOCK_MAKE_DIR)

struct writable {
	char path[WRITABLE_MAX][PATH_SIZE];
	unsigned n;
};

static void writable_add(struct writable *w, const char *path)
{
	unsigned i;

	for (i = 0; i < w->n; i++)
		if (strcmp(w->path[i], path) == 0)
			return;
	/* What finds no room is not written: it is said then.  All there is
	 * would be no cage. */
	if (strcmp(path, "/") != 0 && w->n < WRITABLE_MAX && strlen(path) < PATH_SIZE)
		snprintf(w->path[w->n++], PATH_SIZE, "%s", path);
}

/* A file is replaced by a new one, in the directory where it is without links. */
static void writable_add_file(struct writable *w, const char *path)
{
	char real[PATH_MAX];
	struct stat st;

	if (realpath(path, real) && stat(real, &st) == 0)
		writable_add(w, S_ISDIR(st.st_mode) ? real : dirname(real));
}

/* Where the links of a directory lead to. */
static void writable_add_links(struct writable *w, const char *dir)
{
	char path[PATH_SIZE];
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d)))
		if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path) &&
		    lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && stat(path, &st) == 0 &&
		    S_ISREG(st.st_mode))
			writable_add_file(w, path);
	if (d)
		closedir(d);
}

static int made_dir(struct writable *w, enum path_kind kind, const char *leaf, struct failure *f)
{
	char dir[PATH_SIZE];
	int fd;

	if (path_of(kind, leaf, dir, f) != 0)
		return -1;
	/* Of configuration others may read, not write. */
	fd = kind == PATH_CONFIG ? path_trusted_dir(dir, f) : path_private_dir(dir, f);
	if (fd < 0)
		return -1;
	close(fd);
	writable_add(w, dir);
	return 0;
}

/* Where it stores: a provider's file may be a link. */
static int writable_add_configuration(struct writable *w, struct failure *f)
{
	char dir[PATH_SIZE];

	if (made_dir(w, PATH_CONFIG, NULL, f) != 0 ||
	    path_of(PATH_CONFIG, "providers", dir, f) != 0)
		return -1;
	writable_add_file(w, dir);
	writable_add_links(w, dir);
	return 0;
}

static int writable_add_scrubbed(struct writable *w, const struct import *im, char **word, int n,
				 struct failure *f)
{
	static const char *const linked[] = { "",
					      "/.config/fish",
					      "/.config/fish/conf.d",
					      "/bin",
					      "/.config/fish/functions",
					      "/.config/zsh",
					      "/.config/nushell",
					      "/.config/environment.d",
					      "/.config/systemd/user",
					      "/.config/Code/User",
					      "/.config/Cursor/User",
					      "/.cc-switch",
					      "/.claude-code-router",
					      "/.local/bin",
					      "/.claude",
					      "/.ccs" };
	const char *history = getenv("HISTFILE");
	char path[PATH_SIZE + 32];
	unsigned k;
	int i;

	/* The copies without keys. */
	if (made_dir(w, PATH_STATE, "import", f) != 0)
		return -1;
	writable_add(w, im->home);
	for (k = 0; k < sizeof(linked) / sizeof(linked[0]); k++) {
		snprintf(path, sizeof(path), "%s%s", im->home, linked[k]);
		if (k > 0)
			writable_add_file(w, path);
		writable_add_links(w, path);
	}
	if (n == 0) {
		writable_add_file(w, ".");
		writable_add_links(w, ".");
		writable_add_links(w, ".claude");
	}
	for (i = 0; i < n; i++)
		writable_add_file(w, word[i]);
	if (history && history[0] == '/')
		writable_add_file(w, history);
	return 0;
}

int import_cage_enter(const struct import *im, char **word, int n, struct failure *f)
{
	static const char *const readable[] = { "/" };
	static struct landlock_path paths[WRITABLE_MAX + 2];
	static struct writable w;
	struct landlock_rules rules = { .readable = readable,
					.readable_count = 1,
					.paths = paths,
					.limit_ports = true,
					.scope_sockets = true };
	bool stores = im->yes || im->asks;
	unsigned i;

	if (stores && writable_add_configuration(&w, f) != 0)
		return -1;
	if (stores && im->scrub && writable_add_scrubbed(&w, im, word, n, f) != 0)
		return -1;
	for (i = 0; i < w.n; i++)
		paths[i] = (struct landlock_path){ .path = w.path[i], .may = WRITES };
	paths[i++] = (struct landlock_path){ .path = "/dev/tty", .may = LANDLOCK_WRITE };
	paths[i++] = (struct landlock_path){ .path = "/dev/null", .may = LANDLOCK_WRITE };
	rules.path_count = i;
	return cage_enter(&rules, DENY_EXEC | DENY_NETWORK | DENY_SIGNALS, f);
}
