/*
 * import/file_add.c - reading one file, and those that it reads.
 */
#include "import/file_add.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import/cc_switch_db.h"
#include "import/fish_variables.h"
#include "import/json_env.h"
#include "import/nushell.h"
#include "import/settings_env.h"
#include "import/shell.h"
#include "import/systemd_unit.h"

#define SOURCED_DEPTH 4		 /* files that files read */
#define SCRIPT_MAX (256L * 1024) /* bytes; a longer file is a program, not a wrapper script */

bool name_ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n >= k && strcmp(name + n - k, end) == 0;
}

/* Its number, or -1. */
static int file_listed(const struct import *im, const char *path)
{
	char a[PATH_MAX], b[PATH_MAX];
	unsigned i;

	if (!realpath(path, a))
		return -1;
	for (i = 0; i < im->files; i++)
		if (realpath(im->file[i].path, b) && strcmp(a, b) == 0)
			return (int)i;
	return -1;
}

static int key_file_parse(const struct locked_text *t, struct assignments *r, struct failure *f)
{
	const char *p = t->p, *end = p + t->n;
	struct assignment *a;

	if (assignments_begin(r, t->n, f) != 0)
		return -1;
	while (end > p && strchr(" \t\r\n", end[-1]))
		end--;
	a = assignments_add(r, "", 0, f);
	if (!a)
		return -1;
	a->line = 1;
	a->end = (size_t)(end - p);
	return assignments_set_text(r, a, p, a->end, f);
}

int file_text_parse(const struct import *im, enum file_kind kind, const struct locked_text *t,
		    struct assignments *r, struct failure *f)
{
	switch (kind) {
	case FILE_SHELL:
	case FILE_FISH:
		return shell_parse(t, kind == FILE_FISH, im->home, r, f);
	case FILE_NUSHELL:
		return nushell_parse(t, im->home, r, f);
	case FILE_SYSTEMD:
		return systemd_unit_parse(t, im->home, r, f);
	case FILE_FISH_VARIABLES:
		return fish_variables_parse(t, r, f);
	case FILE_CLAUDE_SETTINGS:
		return settings_env_parse(t, r, f);
	case FILE_EDITOR:
		return json_env_parse(t, JSON_ENV_EDITOR, r, f);
	case FILE_CC_SWITCH:
		return json_env_parse(t, JSON_ENV_CC_SWITCH, r, f);
	case FILE_ROUTER:
		return json_env_parse(t, JSON_ENV_ROUTER, r, f);
	default:
		return key_file_parse(t, r, f);
	}
}

/* The report names the file already: "PATH: why" becomes "why". */
static void failure_drop_path(struct import_file *file)
{
	size_t n = strlen(file->path);
	char *what = file->why.what;

	if (strncmp(what, file->path, n) == 0 && strncmp(what + n, ": ", 2) == 0)
		memmove(what, what + n + 2, strlen(what + n + 2) + 1);
}

/* Read and parse it.  1, 0 (there is no such file), or -1 with file->why. */
static int file_load(const struct import *im, struct import_file *file)
{
	enum locked_text_result result;
	int r;

	if (file->kind != FILE_CC_SWITCH_DB) {
		result = locked_text_read(file->path, true, &file->text, &file->st, &file->why);
		if (result != LOCKED_TEXT_READ)
			return result == LOCKED_TEXT_NONE ? 0 : -1;
		return file_text_parse(im, file->kind, &file->text, &file->parsed, &file->why) == 0
			       ? 1
			       : -1;
	}
	/* SQLite reads it itself, and no text of it is kept. */
	r = cc_switch_db_parse(file->path, &file->st, &file->parsed, &file->why);
	if (r == 0)
		assignments_free(&file->parsed);
	return r;
}

static void find_sourced(struct import *im, unsigned index);

static bool path_is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 0 && dir[n - 1] == '/')
		n--;
	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

/* A directory above the home has not what is in the home. */
static bool file_is_of_project(const struct import *im, const char *path)
{
	char real[PATH_MAX], home[PATH_MAX];

	if (!im->project[0] || !realpath(path, real) || !path_is_below(real, im->project))
		return false;
	return !realpath(im->home, home) || !path_is_below(home, im->project) ||
	       !path_is_below(real, home);
}

/* What another's file names, or a link of it leads to, is nobody's that we know. */
static unsigned file_side(struct import *im, const char *path, unsigned by)
{
	if (by == SIDE_OWN || (by == im->side && file_is_of_project(im, path)))
		return by;
	return ++im->sides;
}

int file_add(struct import *im, const char *path, enum file_kind kind, bool must, unsigned by)
{
	struct import_file *file = &im->file[im->files];
	int result, listed = file_listed(im, path);
	unsigned bad;

	if (listed >= 0 && by == SIDE_OWN)
		im->file[listed].side = SIDE_OWN;
	if (im->files == FILES_MAX || strlen(path) >= PATH_SIZE || listed >= 0)
		return -1;
	memset(file, 0, sizeof(*file));
	snprintf(file->path, sizeof(file->path), "%s", path);
	file->kind = kind;
	file->side = file_side(im, path, by);
	result = file_load(im, file);
	if (result == 0 && !must)
		return -1;
	if (result == 0)
		fail_set(&file->why, FAIL_NO_ENTRY, NULL, "no such file");
	if (result != 1) {
		failure_drop_path(file);
		bad = file->parsed.bad_line;
		assignments_free(&file->parsed);
		file->parsed.bad_line = bad;
		locked_text_free(&file->text);
	} else {
		file->why.code = FAIL_NONE;
	}
	im->files++;
	find_sourced(im, (unsigned)(file - im->file));
	return (int)(file - im->file);
}

static bool text_has(const struct locked_text *t, const char *const *words)
{
	for (; *words; words++)
		if (memmem(t->p, t->n, *words, strlen(*words)))
			return true;
	return false;
}

bool file_has(const char *path, const char *const *words, struct locked_text *t, struct stat *st)
{
	memset(t, 0, sizeof(*t));
	return stat(path, st) == 0 && S_ISREG(st->st_mode) && st->st_size <= SCRIPT_MAX &&
	       locked_text_read(path, true, t, st, NULL) == LOCKED_TEXT_READ && text_has(t, words);
}

/* ---- files that a file reads ---- */

/* The path as the shell finds it: direnv beside its file, others where they run, which
 * is not known: beside the file, at home. */
static bool sourced_path(const struct import *im, const char *file, const char *word, int try,
			 char path[PATH_SIZE])
{
	const char *leaf = strrchr(file, '/');
	int n = -1;

	if (word[0] == '/')
		n = try == 0 ? snprintf(path, PATH_SIZE, "%s", word) : -1;
	else if (try == 0)
		n = snprintf(path, PATH_SIZE, "%.*s%s", leaf ? (int)(leaf - file) + 1 : 0, file,
			     word);
	else if (try == 1)
		n = snprintf(path, PATH_SIZE, "%s/%s", im->home, word);
	return n > 0 && n < PATH_SIZE;
}

static int find_sourced_one(struct import *im, const struct import_file *by, const char *word)
{
	static const char *const words[] = { "_API_KEY", "_TOKEN", "ANTHROPIC_", "op://", NULL };
	char path[PATH_SIZE + 8], a[PATH_MAX], b[PATH_MAX];
	struct locked_text t;
	struct stat st;
	unsigned k;
	bool has = false;
	int try;

	for (try = 0; !has && try < 2; try++) {
		if (!sourced_path(im, by->path, word, try, path))
			continue;
		/* direnv's source_env takes a directory too. */
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			strcat(path, "/.envrc");
		has = file_has(path, words, &t, &st);
		locked_text_free(&t);
	}
	if (!has || !realpath(path, a))
		return -1;
	for (k = 0; k < im->files; k++)
		if (realpath(im->file[k].path, b) && strcmp(a, b) == 0)
			return (int)k;
	return file_add(im, strstr(path, "/../") ? a : path,
			name_ends_in(path, ".fish") ? FILE_FISH
			: name_ends_in(path, ".nu") ? FILE_NUSHELL
						    : FILE_SHELL,
			false, by->side);
}

static void find_sourced(struct import *im, unsigned index)
{
	static unsigned deep;
	struct assignments *r = &im->file[index].parsed;
	unsigned i;

	if (deep == SOURCED_DEPTH)
		return;
	deep++;
	for (i = 0; i < r->sources; i++)
		r->sourced[i].file = find_sourced_one(im, &im->file[index], r->sourced[i].path);
	deep--;
}
