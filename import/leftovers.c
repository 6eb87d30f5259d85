/*
 * import/leftovers.c - where else pieces of what was found are: editors'
 * backups, shells' histories, what Claude Code and ccs write down.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "import/found.h"

#define WINDOW (256 * 1024)	    /* bytes that are looked at at once */
#define FILE_MOST (64 * 1024 * 1024) /* a longer one is passed over */
#define WALK_DEPTH 3
#define WALK_FILES 4000 /* of one directory tree */

/* Search a file, overwrite what is found when asked to.  1 found, 0, -1. */
static int look(const struct import *im, int fd, bool wipe, struct text *t)
{
	off_t base = 0; /* of t->p[0] in the file */
	int found = 0;
	ssize_t n;

	t->n = 0;
	for (;;) {
		struct piece p = { 0, 0 };
		size_t keep;

		n = pread(fd, t->p + t->n, t->room - t->n, base + (off_t)t->n);
		if (n < 0)
			return errno == EINTR ? 0 : -1;
		t->n += (size_t)n;
		while ((p = pieces_next(im, wipe ? PIECES_SAFE : PIECES_FOUND, t->p, p.end, t->n)).at < t->n) {
			static char stars[TOKEN_MAX];

			found = 1;
			memset(stars, '*', sizeof(stars));
			if (!wipe)
				return 1;
			if (pwrite(fd, stars, p.end - p.at, base + (off_t)p.at) != (ssize_t)(p.end - p.at))
				return -1;
		}
		if (n == 0)
			return found;
		/* a token may stand across the window's end */
		keep = t->n < TOKEN_MAX ? t->n : TOKEN_MAX;
		memmove(t->p, t->p + t->n - keep, keep);
		base += (off_t)(t->n - keep);
		t->n = keep;
	}
}

static int open_plain(const char *path, int how)
{
	/* Links are followed: a history may be kept with other dotfiles. */
	int fd = open(path, how | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MOST ||
			(how != O_RDONLY && st.st_uid != geteuid()))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Files that we know are another's matter, but not those that could not be read. */
static bool source(const struct import *im, const char *path)
{
	unsigned i;

	for (i = 0; i < im->files; i++)
		if (!im->file[i].why.code && strcmp(im->file[i].path, path) == 0)
			return true;
	for (i = 0; i < im->lefts; i++)
		if (strcmp(im->left[i].path, path) == 0)
			return true;
	return false;
}

static void try_file(struct import *im, const char *path, const char *what, struct text *t)
{
	int fd;

	if (im->lefts == LEFTOVERS_MAX || strlen(path) >= PATH_SIZE || source(im, path))
		return;
	fd = open_plain(path, O_RDONLY);
	if (fd < 0)
		return;
	if (look(im, fd, false, t) == 1) {
		snprintf(im->left[im->lefts].path, PATH_SIZE, "%s", path);
		im->left[im->lefts++].what = what;
	}
	close(fd);
}

/* .bashrc~, .bashrc.swp, bashrc.old, #.bashrc#: names that have its name in them. */
static void neighbours(struct import *im, const char *of, struct text *t)
{
	char dir[PATH_SIZE], path[PATH_SIZE];
	const char *leaf = strrchr(of, '/') ? strrchr(of, '/') + 1 : of;
	struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof(dir), "%.*s", leaf > of ? (int)(leaf - of - 1) : 1, leaf > of ? of : ".");
	leaf += *leaf == '.';
	d = strlen(leaf) < 2 ? NULL : opendir(dir[0] ? dir : "/");
	while (d && (e = readdir(d)))
		if (strstr(e->d_name, leaf) &&
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path))
			try_file(im, path, "backup", t);
	if (d)
		closedir(d);
}

static void walk(struct import *im, const char *dir, const char *what, int depth, unsigned *left,
		 struct text *t)
{
	char path[PATH_SIZE];
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && *left > 0 && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path))
			continue;
		--*left;
		if (e->d_type == DT_DIR && depth < WALK_DEPTH)
			walk(im, path, what, depth + 1, left, t);
		else if (e->d_type != DT_DIR)
			try_file(im, path, what, t);
	}
	if (d)
		closedir(d);
}

static void histories(struct import *im, struct text *t)
{
	static const char *const names[] = { ".bash_history", ".zsh_history", ".zhistory", ".histfile", ".history",
					     ".sh_history", ".local/share/fish/fish_history", ".viminfo",
					     ".local/state/nvim/shada/main.shada", ".python_history",
					     ".node_repl_history" };
	const char *own = getenv("HISTFILE");
	char path[PATH_SIZE];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (snprintf(path, sizeof(path), "%s/%s", im->home, names[i]) < (int)sizeof(path))
			try_file(im, path, "history", t);
	if (own && own[0] == '/')
		try_file(im, own, "history", t);
}

static void written_down(struct import *im, struct text *t)
{
	static const struct {
		const char *dir, *what;
	} trees[] = { { ".claude/shell-snapshots", "snapshot" }, { ".claude/backups", "backup" },
		      { ".claude/projects", "transcript" }, { ".ccs", "ccs" } };
	char path[PATH_SIZE];
	unsigned left;
	size_t i;

	if (snprintf(path, sizeof(path), "%s/.claude.json", im->home) < (int)sizeof(path)) {
		try_file(im, path, "state", t);
		neighbours(im, path, t);
	}
	if (snprintf(path, sizeof(path), "%s/.claude/history.jsonl", im->home) < (int)sizeof(path))
		try_file(im, path, "history", t);
	for (i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		left = WALK_FILES;
		if (snprintf(path, sizeof(path), "%s/%s", im->home, trees[i].dir) < (int)sizeof(path))
			walk(im, path, trees[i].what, 0, &left, t);
	}
}

int leftovers_find(struct import *im, struct failure *f)
{
	struct text t;
	unsigned i;

	im->left = calloc(LEFTOVERS_MAX, sizeof(*im->left));
	if (!im->left)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	if (im->accounts == 0)
		return 0;
	if (text_new(&t, WINDOW, f) != 0)
		return -1;
	for (i = 0; i < im->files; i++) {
		if (im->file[i].why.code)
			try_file(im, im->file[i].path, "left alone", &t);
		neighbours(im, im->file[i].path, &t);
	}
	histories(im, &t);
	written_down(im, &t);
	text_free(&t);
	return 0;
}

void leftovers_wipe(struct import *im)
{
	struct text t;
	unsigned i;

	if (text_new(&t, WINDOW, NULL) != 0)
		return;
	for (i = 0; i < im->lefts; i++) {
		struct leftover *l = &im->left[i];
		int fd;

		if (strcmp(l->what, "left alone") == 0)
			continue;
		fd = open_plain(l->path, O_RDWR);
		if (fd < 0 || look(im, fd, true, &t) < 0 || fsync(fd) != 0)
			fail_errno(&l->why, NULL, "cannot be overwritten");
		/* a key that the vault has not was left there */
		else if (look(im, fd, false, &t) == 0)
			l->wiped = true;
		if (fd >= 0)
			close(fd);
	}
	text_free(&t);
}
