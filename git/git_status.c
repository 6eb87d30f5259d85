/*
 * git/git_status.c - names of a repository and its branch, and what may be
 * told of changes, from the files in .git.  Any of them may be an attacker's.
 */
#include "git/git_status.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/git_config.h"
#include "git/git_file.h"
#include "git/git_repository.h"
#include "git/git_url.h"

/* ---- names ---- */

/* out = the last component of path, without that suffix. */
static void copy_last_component(const char *path, const char *suffix, char *out, size_t size)
{
	size_t end = strlen(path), begin, n = strlen(suffix);

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--)
		;
	if (begin == end)
		begin = 0; /* the root directory */
	if (n > 0 && end - begin > n && memcmp(path + end - n, suffix, n) == 0)
		end -= n;
	snprintf(out, size, "%.*s", (int)(end - begin), path + begin);
}

static void repo_set_name(const struct git_repository *r, const struct git_config *c,
			  struct git_status *out)
{
	char path[GIT_PATH], *slash;

	if (!r->linked && !r->bare) {
		copy_last_component(r->top, "", out->repo, sizeof(out->repo));
		return;
	}
	strcpy(path, r->common);
	slash = strrchr(path, '/');
	/* "NAME/.git"; some name a bare repository between its work trees "NAME/.bare". */
	if (slash && slash > path && slash[1] == '.') {
		*slash = '\0';
		copy_last_component(path, "", out->repo, sizeof(out->repo));
		return;
	}
	copy_last_component(path, ".git", out->repo, sizeof(out->repo));
	/* A linked work tree of a submodule: core.worktree names the main one. */
	if (r->linked && c->worktree[0]) {
		copy_last_component(c->worktree, "", path, sizeof(path));
		if (path[0] && strcmp(path, ".") != 0 && strcmp(path, "..") != 0)
			snprintf(out->repo, sizeof(out->repo), "%.*s", (int)sizeof(out->repo) - 1,
				 path);
	}
}

/*
 * git keeps a submodule's git directory in its superproject's, under modules/, and
 * sets core.worktree in it (in config.worktree when it has a sparse checkout).
 */
static bool is_submodule(const struct git_repository *r, const struct git_config *c)
{
	char path[GIT_PATH];

	if (r->bare || (!r->git_file && !r->linked) || !strstr(r->common, "/modules/"))
		return false;
	return c->worktree[0] ||
	       (git_path_join(path, r->common, "config.worktree") && access(path, F_OK) == 0);
}

/*
 * The suffix for an operation that is under way, or "".  was = the branch that a
 * rebase or a bisection has detached HEAD from, or "".
 */
static const char *operation_read(const struct git_repository *r, char *was, size_t size)
{
	static const struct {
		const char *file, *suffix;
	} operations[] = { { "rebase-merge/head-name", "|rebase" },
			   { "rebase-apply/head-name", "|rebase" },
			   { "BISECT_START", "|bisect" } };
	char path[GIT_PATH], line[GIT_REF_MAX];
	const char *name;
	unsigned i;

	was[0] = '\0';
	if (!r->detached)
		return git_path_join(path, r->git_dir, "MERGE_HEAD") && access(path, F_OK) == 0
			       ? "|merge"
			       : "";
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (!git_file_read_line(r->git_dir, operations[i].file, false, line, sizeof(line)))
			continue;
		name = strncmp(line, "refs/heads/", 11) == 0 ? line + 11 : line;
		if (strcmp(name, "detached HEAD") != 0 && !git_is_object_id(name))
			snprintf(was, size, "%.*s", (int)size - 1, name);
		return operations[i].suffix;
	}
	return "";
}

static void branch_set_name(const struct git_repository *r, struct git_status *out)
{
	char was[sizeof(out->branch)];
	const char *suffix = operation_read(r, was, sizeof(was)), *name = r->head;
	int len = (int)(sizeof(out->branch) - 1 - strlen(suffix));

	/* With reftable, HEAD is in its tables, which are not read; for programs that
	 * know only the file, git writes this name in it. */
	if (strcmp(r->head, "refs/heads/.invalid") == 0)
		return;
	if (r->detached && was[0])
		name = was;
	else if (r->detached)
		len = 7;
	else
		name += strncmp(name, "refs/heads/", 11) == 0 ? 11 : 5;
	out->detached = r->detached;
	snprintf(out->branch, sizeof(out->branch), "%.*s%s", len, name, suffix);
}

/* ---- all of it ---- */

/*
 * Is the directory of .git the work tree?  With core.worktree it may be another
 * one, and whoever wrote that could lead us anywhere.  (In a submodule
 * core.worktree names the directory that we came from.)
 */
static bool is_work_tree(const struct git_repository *r, const struct git_config *c)
{
	char path[GIT_PATH];
	struct stat configured, top;

	if (r->bare)
		return false;
	if (!c->worktree[0] || r->linked)
		return true;
	return git_path_join(path, r->git_dir, c->worktree) && stat(path, &configured) == 0 &&
	       stat(r->top, &top) == 0 && top.st_dev == configured.st_dev &&
	       top.st_ino == configured.st_ino;
}

static enum git_dirty dirty_check(const struct git_repository *r, const struct git_config *c,
				  int budget_ms)
{
	const struct git_index_query query = { .git_dir = r->git_dir,
					       .common = r->common,
					       .top = r->top,
					       .ref = r->detached ? NULL : r->head,
					       .config = c,
					       .budget_ms = budget_ms };

	return is_work_tree(r, c) ? git_index_check(&query) : GIT_UNKNOWN;
}

void git_status_read(const struct git_query *query, struct git_status *out)
{
	/* Static: the compiler sets locals of this size to zero, which takes time. */
	static struct git_repository r;
	static struct git_config config;
	static char text[GIT_CONFIG_MAX + 1];
	ssize_t n;

	memset(out, 0, sizeof(*out));
	out->dirty = GIT_UNKNOWN;
	if (!git_repository_find(query->dir, &r))
		return;
	out->found = true;
	n = git_file_read(r.common, "config", true, text, sizeof(text));
	git_config_parse(text, n > 0 ? (size_t)n : 0, &config);
	out->worktree = r.linked;
	out->submodule = is_submodule(&r, &config);
	branch_set_name(&r, out);
	repo_set_name(&r, &config, out);
	git_url_page(config.url, out->url, sizeof(out->url));
	if (query->want_dirty)
		out->dirty = dirty_check(&r, &config, query->budget_ms);
}
