/*
 * import/leftovers.c - other files with fragments of the tokens that were found.
 */
#include "import/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "import/secret_fragments.h"

#define WINDOW ((size_t)256 * 1024)   /* bytes searched at once */
#define FILE_MOST (64L * 1024 * 1024) /* bytes; a longer file is not searched */
#define WALK_DEPTH 3
#define WALK_FILES 4000 /* entries of one directory tree */

enum scan { SCAN_FAILED = -1, SCAN_CLEAN, SCAN_FOUND };

/* Search a file for fragments; wipe: overwrite them.  t is the window. */
static enum scan leftover_scan(const struct import *im, int fd, bool wipe, struct locked_text *t)
{
	off_t base = 0; /* of t->p[0] in the file */
	enum fragments_of of = wipe ? FRAGMENTS_IN_VAULT : FRAGMENTS_FOUND;
	enum scan found = SCAN_CLEAN;
	ssize_t n;

	t->n = 0;
	for (;;) {
		struct fragment p = { 0, 0 };
		size_t keep;

		n = io_read_at(fd, t->p + t->n, t->room - t->n, base + (off_t)t->n);
		if (n < 0)
			return SCAN_FAILED;
		t->n += (size_t)n;
		for (;;) {
			static char stars[TOKEN_MAX];

			p = fragment_next(im, of, t->p, p.end, t->n);
			if (p.at == t->n)
				break;
			found = SCAN_FOUND;
			memset(stars, '*', sizeof(stars));
			if (!wipe)
				return SCAN_FOUND;
			if (io_write_at(fd, stars, p.end - p.at, base + (off_t)p.at) != 0)
				return SCAN_FAILED;
		}
		if (n == 0)
			return found;
		/* A token may begin in this window and end in the next. */
		keep = t->n < TOKEN_MAX ? t->n : TOKEN_MAX;
		memmove(t->p, t->p + t->n - keep, keep);
		base += (off_t)(t->n - keep);
		t->n = keep;
	}
}

static int open_regular_file(const char *path, int how)
{
	/* Links are followed: a history may be one, into a directory of dotfiles. */
	int fd = open(path, how | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MOST ||
			(how != O_RDONLY && st.st_uid != geteuid()))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Is the file scrubbed (so it was parsed), or listed already? */
static bool file_is_known(const struct import *im, const char *path)
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

static void leftovers_try_file(struct import *im, const char *path, const char *what,
			       struct locked_text *t)
{
	int fd;

	if (im->lefts == LEFTOVERS_MAX || strlen(path) >= PATH_SIZE || file_is_known(im, path))
		return;
	fd = open_regular_file(path, O_RDONLY);
	if (fd < 0)
		return;
	if (leftover_scan(im, fd, false, t) == SCAN_FOUND) {
		snprintf(im->left[im->lefts].path, PATH_SIZE, "%s", path);
		im->left[im->lefts++].what = what;
	}
	close(fd);
}

/* Backups beside a file, whose names contain its name: .bashrc~, .bashrc.swp, bashrc.old. */
static void leftovers_try_neighbours(struct import *im, const char *of, struct locked_text *t)
{
	char dir[PATH_SIZE], path[PATH_SIZE];
	const char *leaf = strrchr(of, '/') ? strrchr(of, '/') + 1 : of;
	struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof(dir), "%.*s", leaf > of ? (int)(leaf - of - 1) : 1,
		 leaf > of ? of : ".");
	leaf += *leaf == '.';
	d = strlen(leaf) < 2 ? NULL : opendir(dir[0] ? dir : "/");
	while (d && (e = readdir(d)))
		if (strstr(e->d_name, leaf) &&
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path))
			leftovers_try_file(im, path, "backup", t);
	if (d)
		closedir(d);
}

static void leftovers_walk(struct import *im, const char *dir, const char *what, int depth,
			   unsigned *left, struct locked_text *t)
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
			leftovers_walk(im, path, what, depth + 1, left, t);
		else if (e->d_type != DT_DIR)
			leftovers_try_file(im, path, what, t);
	}
	if (d)
		closedir(d);
}

static void leftovers_try_histories(struct import *im, struct locked_text *t)
{
	static const char *const names[] = { ".bash_history",
					     ".zsh_history",
					     ".zhistory",
					     ".histfile",
					     ".history",
					     ".sh_history",
					     ".local/share/fish/fish_history",
					     ".viminfo",
					     ".local/state/nvim/shada/main.shada",
					     ".python_history",
					     ".node_repl_history" };
	const char *own = getenv("HISTFILE");
	char path[PATH_SIZE];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (snprintf(path, sizeof(path), "%s/%s", im->home, names[i]) < (int)sizeof(path))
			leftovers_try_file(im, path, "history", t);
	if (own && own[0] == '/')
		leftovers_try_file(im, own, "history", t);
}

static void leftovers_try_claude(struct import *im, struct locked_text *t)
{
	static const struct {
		const char *dir, *what;
	} trees[] = { { ".claude/shell-snapshots", "snapshot" },
		      { ".claude/backups", "backup" },
		      { ".claude/projects", "transcript" },
		      { ".ccs", "ccs" } };
	char path[PATH_SIZE];
	unsigned left;
	size_t i;

	if (snprintf(path, sizeof(path), "%s/.claude.json", im->home) < (int)sizeof(path)) {
		leftovers_try_file(im, path, "state", t);
		leftovers_try_neighbours(im, path, t);
	}
	if (snprintf(path, sizeof(path), "%s/.claude/history.jsonl", im->home) < (int)sizeof(path))
		leftovers_try_file(im, path, "history", t);
	for (i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		left = WALK_FILES;
		if (snprintf(path, sizeof(path), "%s/%s", im->home, trees[i].dir) <
		    (int)sizeof(path))
			leftovers_walk(im, path, trees[i].what, 0, &left, t);
	}
}

int leftovers_find(struct import *im, struct failure *f)
{
	struct locked_text t;
	unsigned i;

	im->left = calloc(LEFTOVERS_MAX, sizeof(*im->left));
	if (!im->left)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	if (im->accounts == 0)
		return 0;
	if (locked_text_new(&t, WINDOW, f) != 0)
		return -1;
	for (i = 0; i < im->files; i++) {
		if (im->file[i].why.code)
			leftovers_try_file(im, im->file[i].path, "left alone", &t);
		leftovers_try_neighbours(im, im->file[i].path, &t);
	}
	leftovers_try_histories(im, &t);
	leftovers_try_claude(im, &t);
	locked_text_free(&t);
	return 0;
}

void leftovers_wipe(struct import *im)
{
	struct locked_text t;
	unsigned i;

	if (locked_text_new(&t, WINDOW, NULL) != 0)
		return;
	for (i = 0; i < im->lefts; i++) {
		struct leftover *l = &im->left[i];
		int fd;

		if (strcmp(l->what, "left alone") == 0)
			continue;
		fd = open_regular_file(l->path, O_RDWR);
		if (fd < 0 || leftover_scan(im, fd, true, &t) == SCAN_FAILED || fsync(fd) != 0)
			fail_errno(&l->why, NULL, "cannot be overwritten");
		/* A token that the vault does not have was left there. */
		else if (leftover_scan(im, fd, false, &t) == SCAN_CLEAN)
			l->wiped = true;
		if (fd >= 0)
			close(fd);
	}
	locked_text_free(&t);
}
