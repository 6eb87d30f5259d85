/*
 * statusline/git_status.c - finds the repository around a directory, what HEAD
 * says, and names.  Everything in it is taken for hostile: bounded reads of
 * regular files, no chain is followed for long.
 *
 * git itself refuses a repository of another user (safe.directory), because its
 * configuration names programs to run.  Here nothing is run, so reading is fine.
 * GIT_DIR and its like are ignored: the line is about the session's directory.
 */
#include "statusline/git_status.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "statusline/git_parts.h"

#define LEVELS_MAX 256
#define HEAD_MAX 4096

/* realpath() wants room of PATH_MAX bytes. */
_Static_assert(GIT_PATH >= PATH_MAX, "paths");

struct place {
	char top[GIT_PATH];    /* where .git is; a bare repository: itself */
	char git[GIT_PATH];    /* the directory with HEAD */
	char common[GIT_PATH]; /* the one with objects, refs, config; mostly the same */
	char ref[HEAD_MAX];    /* what HEAD names, or the id */
	bool detached;
	bool file;   /* .git is a file that says where */
	bool linked; /* there is a commondir */
	bool bare;   /* top is git; no work tree */
};

/* ---- reading ---- */

bool git_join(char *out, const char *dir, const char *name)
{
	size_t d = strlen(dir), n = strlen(name);

	if (name[0] == '/')
		d = 0;
	if (d + 1 + n >= GIT_PATH)
		return false;
	memmove(out, dir, d);
	if (name[0] != '/')
		out[d++] = '/';
	memcpy(out + d, name, n + 1);
	return true;
}

int git_open(const char *dir, const char *name, bool follow, struct stat *st)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, fd;
	char path[GIT_PATH];

	if (!git_join(path, dir, name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* openat: musl's open() asks for O_CLOEXEC twice. */
	fd = openat(AT_FDCWD, path, flags | O_NOFOLLOW);
	if (fd < 0 && errno == ELOOP && follow) {
		/* Looked at before it is opened: to open a device can do things. */
		if (stat(path, st) != 0)
			return -1;
		if (S_ISREG(st->st_mode))
			fd = open(path, flags);
	}
	if (fd < 0)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

ssize_t git_read(const char *dir, const char *name, bool follow, char *buf, size_t size)
{
	struct stat st;
	ssize_t n;
	int fd;

	fd = git_open(dir, name, follow, &st);
	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

/* One line from a file, without the white space at its end; false: none, or it has no end. */
static bool read_line(const char *dir, const char *name, bool follow, char *buf, size_t size)
{
	ssize_t n = git_read(dir, name, follow, buf, size);
	size_t len;

	if (n <= 0)
		return false;
	len = strcspn(buf, "\n");
	if (len == size - 1)
		return false;
	while (len > 0 && isspace((unsigned char)buf[len - 1]))
		len--;
	buf[len] = '\0';
	return len > 0;
}

/* ---- HEAD ---- */

static bool is_id(const char *s)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return (n == 40 || n == 64) && (s[n] == '\0' || isspace((unsigned char)s[n]));
}

/* Without a HEAD of one of these forms it is no repository, says git, too. */
static bool read_head(const char *git, struct place *p)
{
	char line[HEAD_MAX], path[GIT_PATH];
	const char *ref = line;
	ssize_t n;

	if (!read_line(git, "HEAD", false, line, sizeof(line))) {
		/* The old form: a symbolic link. */
		if (errno != ELOOP || !git_join(path, git, "HEAD"))
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
		p->detached = is_id(line);
		strcpy(p->ref, line);
		return p->detached;
	}
	p->detached = false;
	strcpy(p->ref, ref);
	return strncmp(ref, "refs/", 5) == 0;
}

static bool reachable(const char *dir, const char *name)
{
	char path[GIT_PATH];

	return git_join(path, dir, name) && access(path, X_OK) == 0;
}

/* Is it a git directory?  Then p->git, common, linked and what HEAD says. */
static bool try_git(const char *git, struct place *p)
{
	char line[GIT_PATH], path[GIT_PATH];

	errno = 0;
	if (!read_head(git, p))
		return false;
	p->linked = false;
	strcpy(p->common, git);
	if (read_line(git, "commondir", true, line, sizeof(line))) {
		/* Resolved, because its name is wanted and it ends in "../..". */
		if (!git_join(path, git, line) || !realpath(path, p->common))
			return false;
		p->linked = true;
	}
	if (!reachable(p->common, "objects") || !reachable(p->common, "refs"))
		return false;
	memmove(p->git, git, strlen(git) + 1);
	return true;
}

/* ---- the way up ---- */

/* A file .git: "gitdir: PATH".  PATH must be a git directory; a chain of such files is none. */
static bool try_file(const char *top, struct place *p)
{
	char line[GIT_PATH], path[GIT_PATH];
	const char *to = line + 7;

	if (!read_line(top, ".git", true, line, sizeof(line)) || strncmp(line, "gitdir:", 7) != 0)
		return false;
	while (*to == ' ')
		to++;
	return *to != '\0' && git_join(path, top, to) && try_git(path, p);
}

/* 1: a repository, 0: none here, -1: none here and none above. */
static int try_level(const char *top, struct place *p)
{
	char path[GIT_PATH];
	struct stat st;

	p->file = p->bare = false;
	if (git_join(path, top, ".git") && stat(path, &st) == 0) {
		p->file = S_ISREG(st.st_mode);
		if (p->file)
			return try_file(top, p) ? 1 : -1;
		if (S_ISDIR(st.st_mode) && try_git(path, p))
			return 1;
	}
	p->bare = true;
	return try_git(top, p) ? 1 : 0;
}

/* out (GIT_PATH bytes) = the real path, as git's getcwd(): ".." of a symbolic link is elsewhere. */
static bool real_path(const char *dir, char *out, struct stat *st)
{
	struct stat here;

	if (stat(dir, st) != 0 || !S_ISDIR(st->st_mode))
		return false;
	/* Mostly we were started in it, and the kernel tells at once. */
	if (stat(".", &here) == 0 && here.st_dev == st->st_dev && here.st_ino == st->st_ino &&
	    getcwd(out, GIT_PATH) && out[0] == '/')
		return true;
	return realpath(dir, out) != NULL;
}

static bool find(const char *dir, struct place *p)
{
	char *slash;
	struct stat st;
	unsigned level;
	dev_t dev;
	int r;

	if (!dir || !real_path(dir, p->top, &st))
		return false;
	dev = st.st_dev;
	for (level = 0; level < LEVELS_MAX; level++) {
		r = try_level(p->top, p);
		if (r != 0)
			return r > 0;
		slash = strrchr(p->top, '/');
		if (!slash || p->top[1] == '\0')
			return false;
		slash[slash == p->top] = '\0';
		if (stat(p->top, &st) != 0 || st.st_dev != dev)
			return false; /* a file system's border */
	}
	return false;
}

/* ---- names ---- */

/* The last part of path, without `without` at its end. */
static void last_part(const char *path, const char *without, char *out, size_t size)
{
	size_t end = strlen(path), begin, w = strlen(without);

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--)
		;
	if (begin == end)
		begin = 0; /* the root directory */
	if (w > 0 && end - begin > w && memcmp(path + end - w, without, w) == 0)
		end -= w;
	snprintf(out, size, "%.*s", (int)(end - begin), path + begin);
}

static void name_repo(const struct place *p, const struct git_config *c, struct git_found *out)
{
	char path[GIT_PATH], *slash;

	if (!p->linked && !p->bare) {
		last_part(p->top, "", out->repo, sizeof(out->repo));
		return;
	}
	strcpy(path, p->common);
	slash = strrchr(path, '/');
	/* .git, or .bare as some call a bare one amid its work trees. */
	if (slash && slash > path && slash[1] == '.') {
		*slash = '\0';
		last_part(path, "", out->repo, sizeof(out->repo));
		return;
	}
	last_part(path, ".git", out->repo, sizeof(out->repo));
	/* A linked work tree of a submodule: the main one's name is all that is known of it. */
	if (p->linked && c->worktree[0]) {
		last_part(c->worktree, "", path, sizeof(path));
		if (path[0] && strcmp(path, ".") != 0 && strcmp(path, "..") != 0)
			snprintf(out->repo, sizeof(out->repo), "%.*s", (int)sizeof(out->repo) - 1, path);
	}
}

/* git keeps a submodule's directory in its superproject's, under modules/, and tells it
 * its work tree, since that is elsewhere (in config.worktree when it has a sparse checkout). */
static bool is_submodule(const struct place *p, const struct git_config *c)
{
	char path[GIT_PATH];

	if (p->bare || (!p->file && !p->linked) || !strstr(p->common, "/modules/"))
		return false;
	return c->worktree[0] || (git_join(path, p->common, "config.worktree") && access(path, F_OK) == 0);
}

/* What the branch was called before a rebase or a bisection took HEAD off it. */
static const char *state_of(const struct place *p, char *was, size_t size)
{
	static const struct {
		const char *file, *mark;
	} states[] = { { "rebase-merge/head-name", "|rebase" },
		       { "rebase-apply/head-name", "|rebase" },
		       { "BISECT_START", "|bisect" } };
	char path[GIT_PATH], line[HEAD_MAX];
	const char *name;
	unsigned i;

	was[0] = '\0';
	if (!p->detached)
		return git_join(path, p->git, "MERGE_HEAD") && access(path, F_OK) == 0 ? "|merge" : "";
	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (!read_line(p->git, states[i].file, false, line, sizeof(line)))
			continue;
		name = strncmp(line, "refs/heads/", 11) == 0 ? line + 11 : line;
		if (strcmp(name, "detached HEAD") != 0 && !is_id(name))
			snprintf(was, size, "%.*s", (int)size - 1, name);
		return states[i].mark;
	}
	return "";
}

static void name_branch(const struct place *p, struct git_found *out)
{
	char was[sizeof(out->branch)];
	const char *mark = state_of(p, was, sizeof(was)), *name = p->ref;
	int room = (int)(sizeof(out->branch) - 1 - strlen(mark)), len = room;

	/* A reftable repository keeps HEAD in its tables; this is what it puts here
	 * for others.  Its branch is not shown. */
	if (strcmp(p->ref, "refs/heads/.invalid") == 0)
		return;
	if (p->detached && was[0])
		name = was;
	else if (p->detached)
		len = 7;
	else
		name += strncmp(name, "refs/heads/", 11) == 0 ? 11 : 5;
	out->detached = p->detached;
	snprintf(out->branch, sizeof(out->branch), "%.*s%s", len, name, mark);
}

/* ---- all of it ---- */

static int look_dirty(const struct place *p, const struct git_config *c, int budget_ms)
{
	struct git_index_ask ask = { .git = p->git, .common = p->common, .top = p->top,
				     .ref = p->detached ? NULL : p->ref, .config = c,
				     .budget_ms = budget_ms };
	char path[GIT_PATH];
	struct stat here, there;

	if (p->bare)
		return GIT_UNKNOWN;
	/* A work tree somewhere else (core.worktree) is not looked at: whoever wrote
	 * that could lead us anywhere.  A submodule's says where we are. */
	if (c->worktree[0] && !p->linked &&
	    (!git_join(path, p->git, c->worktree) || stat(path, &there) != 0 || stat(p->top, &here) != 0 ||
	     here.st_dev != there.st_dev || here.st_ino != there.st_ino))
		return GIT_UNKNOWN;
	return git_index_look(&ask);
}

void git_look_at(const struct git_look *look, struct git_found *out)
{
	/* Static, since locals are set to zero: work that nothing is gained by. */
	static struct place p;
	static struct git_config config;
	static char text[GIT_CONFIG_MAX + 1];
	ssize_t n;

	memset(out, 0, sizeof(*out));
	out->dirty = GIT_UNKNOWN;
	if (!find(look->dir, &p))
		return;
	out->found = true;
	n = git_read(p.common, "config", true, text, sizeof(text));
	git_config_parse(text, n > 0 ? (size_t)n : 0, &config);
	out->worktree = p.linked;
	out->submodule = is_submodule(&p, &config);
	name_branch(&p, out);
	name_repo(&p, &config, out);
	git_page(config.url, out->url, sizeof(out->url));
	if (!look->want_dirty)
		return;
	switch (look_dirty(&p, &config, look->budget_ms)) {
	case GIT_CLEAN:
		out->dirty = GIT_CLEAN;
		break;
	case GIT_DIRTY:
		out->dirty = GIT_DIRTY;
		break;
	}
}
