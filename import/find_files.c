/*
 * import/find_files.c - the files where people keep keys today.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import/found.h"

#define SCRIPT_MAX (256 * 1024) /* bytes of a wrapper script; what is longer is a program */

static const char *const shells[] = {
	".bashrc", ".bash_profile", ".bash_login", ".bash_aliases", ".profile", ".zshenv", ".zprofile",
	".zshrc", ".zlogin", ".envrc", ".ccm_config", ".config/zsh/.zshrc", ".config/zsh/.zshenv",
	".config/fish/config.fish",
};

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n >= k && strcmp(name + n - k, end) == 0;
}

const char *places_short(const struct import *im, const char *path, char out[PATH_SIZE])
{
	size_t n = strlen(im->home);
	char *p;

	if (strncmp(path, im->home, n) == 0 && path[n] == '/')
		snprintf(out, PATH_SIZE, "~%.4000s", path + n);
	else
		snprintf(out, PATH_SIZE, "%s", path);
	for (p = out; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return out;
}

static bool there_already(const struct import *im, const char *path)
{
	char a[PATH_MAX], b[PATH_MAX];
	unsigned i;

	if (!realpath(path, a))
		return false;
	for (i = 0; i < im->files; i++)
		if (realpath(im->file[i].path, b) && strcmp(a, b) == 0)
			return true;
	return false;
}

static int key_file(struct import_file *file)
{
	const char *p = file->text.p, *end = p + file->text.n;
	struct assign *a;

	if (reading_begin(&file->r, file->text.n, &file->why) != 0)
		return -1;
	while (end > p && strchr(" \t\r\n", end[-1]))
		end--;
	a = reading_add(&file->r, "", 0, &file->why);
	if (!a)
		return -1;
	a->line = 1;
	a->end = (size_t)(end - p);
	a->kind = VALUE_LITERAL;
	a->n = a->end;
	a->p = reading_keep(&file->r, p, a->n, &file->why);
	return a->p ? 0 : -1;
}

static int read_one(const struct import *im, struct import_file *file)
{
	switch (file->kind) {
	case FILE_SHELL:
	case FILE_FISH:
		return shell_read(&file->text, file->kind == FILE_FISH, im->home, &file->r, &file->why);
	case FILE_SETTINGS:
		return env_read(&file->text, &file->r, &file->why);
	default:
		return key_file(file);
	}
}

/* Nothing that is kept names a file twice. */
static void without_path(struct import_file *file)
{
	size_t n = strlen(file->path);
	char *what = file->why.what;

	if (strncmp(what, file->path, n) == 0 && strncmp(what + n, ": ", 2) == 0)
		memmove(what, what + n + 2, strlen(what + n + 2) + 1);
}

int places_add(struct import *im, const char *path, enum file_kind kind, bool must)
{
	struct import_file *file = &im->file[im->files];
	unsigned bad;
	int there;

	if (im->files == FILES_MAX || strlen(path) >= PATH_SIZE || there_already(im, path))
		return -1;
	memset(file, 0, sizeof(*file));
	snprintf(file->path, sizeof(file->path), "%s", path);
	file->kind = kind;
	there = text_read(path, true, &file->text, &file->st, &file->why);
	if (there == 0 && !must)
		return -1;
	if (there == 0)
		fail_set(&file->why, FAIL_NO_ENTRY, NULL, "no such file");
	if (there <= 0 || read_one(im, file) != 0) {
		without_path(file);
		bad = file->r.bad_line;
		reading_free(&file->r);
		file->r.bad_line = bad;
		text_free(&file->text);
	} else {
		file->why.code = FAIL_NONE;
	}
	return (int)im->files++;
}

/* A script for the shell that names the client's variables? */
static bool is_wrapper(const char *path, bool *fish)
{
	struct text t;
	struct stat st;
	char line[128];
	bool yes;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > SCRIPT_MAX ||
	    text_read(path, true, &t, &st, NULL) != 1)
		return false;
	yes = memmem(t.p, t.n, "ANTHROPIC_", 10) || memmem(t.p, t.n, "CLAUDE_CODE_", 12);
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(t.p, "\n"), t.p);
	*fish = strstr(line, "fish") != NULL;
	if (strncmp(line, "#!", 2) == 0)
		yes = yes && strstr(line, "sh") != NULL;
	else
		yes = yes && !(st.st_mode & 0111);
	explicit_bzero(line, sizeof(line));
	text_free(&t);
	return yes;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Every file of a directory that `wanted` says yes to, in the order of names. */
static void directory(struct import *im, const char *dir, const char *ending, bool wrappers)
{
	struct dirent **e;
	char path[PATH_SIZE];
	bool fish;
	int i, n = scandir(dir, &e, NULL, by_name);

	for (i = 0; i < n; i++) {
		fish = ends_in(e[i]->d_name, ".fish");
		if (snprintf(path, sizeof(path), "%s/%s", dir, e[i]->d_name) < (int)sizeof(path) &&
		    e[i]->d_name[strspn(e[i]->d_name, ".")]) {
			if (wrappers && is_wrapper(path, &fish))
				places_add(im, path, fish ? FILE_FISH : FILE_SHELL, false);
			else if (!wrappers && ends_in(e[i]->d_name, ending))
				places_add(im, path, fish ? FILE_FISH : FILE_SETTINGS, false);
		}
		free(e[i]);
	}
	if (n >= 0)
		free(e);
}

static const char *below(char path[PATH_SIZE], const char *dir, const char *leaf)
{
	if (snprintf(path, PATH_SIZE, "%s/%s", dir, leaf) >= PATH_SIZE)
		path[0] = '\0';
	return path;
}

static void home(struct import *im)
{
	char path[PATH_SIZE];
	unsigned i;

	for (i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		places_add(im, below(path, im->home, shells[i]),
			   ends_in(shells[i], ".fish") ? FILE_FISH : FILE_SHELL, false);
	directory(im, below(path, im->home, ".config/fish/conf.d"), ".fish", false);
	directory(im, below(path, im->home, ".config/fish/functions"), ".fish", false);
	directory(im, below(path, im->home, ".local/bin"), NULL, true);
	directory(im, below(path, im->home, "bin"), NULL, true);
	places_add(im, below(path, im->home, ".claude/settings.json"), FILE_SETTINGS, false);
	places_add(im, below(path, im->home, ".claude/settings.local.json"), FILE_SETTINGS, false);
	/* ccs: one settings file a profile, wherever its config.json or .yaml lists it */
	directory(im, below(path, im->home, ".ccs"), ".settings.json", false);
}

static void project(struct import *im, const char *dir)
{
	static const char *const names[] = { ".envrc", ".env", ".env.local" };
	char path[PATH_SIZE];
	unsigned i;

	for (i = 0; i < 3; i++)
		places_add(im, below(path, dir, names[i]), FILE_SHELL, false);
	places_add(im, below(path, dir, ".claude/settings.json"), FILE_SETTINGS, false);
	places_add(im, below(path, dir, ".claude/settings.local.json"), FILE_SETTINGS, false);
}

static enum file_kind kind_of(const char *path)
{
	char line[64] = "";
	int fd;

	if (ends_in(path, ".json"))
		return FILE_SETTINGS;
	if (ends_in(path, ".fish"))
		return FILE_FISH;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && read(fd, line, 2) == 2 && memcmp(line, "#!", 2) == 0 &&
	    read(fd, line, sizeof(line) - 1) > 0)
		line[strcspn(line, "\n")] = '\0';
	else
		line[0] = '\0';
	if (fd >= 0)
		close(fd);
	return strstr(line, "fish") ? FILE_FISH : FILE_SHELL;
}

int places_find(struct import *im, char **word, int n, struct failure *f)
{
	char real[PATH_MAX];
	struct stat st;
	int i;

	if (n == 0) {
		home(im);
		if (getcwd(real, sizeof(real)) && strcmp(real, im->home) != 0)
			project(im, real);
		return 0;
	}
	for (i = 0; i < n; i++) {
		/* Not shown: who pastes a key here must not find it in a log. */
		if (stat(word[i], &st) != 0)
			return fail_errno(f, "ccctl import takes files and directories", "word %d", i + 1);
		/* with the directory's links followed, the file's own name kept */
		if (S_ISDIR(st.st_mode) && !realpath(word[i], real))
			return fail_errno(f, NULL, "word %d", i + 1);
		if (!S_ISDIR(st.st_mode))
			places_add(im, word[i], kind_of(word[i]), true);
		else if (strcmp(real, im->home) == 0)
			home(im);
		else
			project(im, real);
	}
	return 0;
}
