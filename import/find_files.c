/*
 * import/find_files.c - the files where people keep keys today.
 */
#include "import/find_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import/settings_env.h"
#include "import/shell.h"

#define SCRIPT_MAX (256L * 1024) /* bytes; a longer file is a program, not a wrapper script */

static const char *const shells[] = {
	".bashrc",
	".bash_profile",
	".bash_login",
	".bash_aliases",
	".profile",
	".zshenv",
	".zprofile",
	".zshrc",
	".zlogin",
	".envrc",
	".ccm_config",
	".config/zsh/.zshrc",
	".config/zsh/.zshenv",
	".config/fish/config.fish",
};

static bool name_ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n >= k && strcmp(name + n - k, end) == 0;
}

static bool file_is_listed(const struct import *im, const char *path)
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

static int key_file_parse(struct import_file *file)
{
	const char *p = file->text.p, *end = p + file->text.n;
	struct assignment *a;

	if (assignments_begin(&file->parsed, file->text.n, &file->why) != 0)
		return -1;
	while (end > p && strchr(" \t\r\n", end[-1]))
		end--;
	a = assignments_add(&file->parsed, "", 0, &file->why);
	if (!a)
		return -1;
	a->line = 1;
	a->end = (size_t)(end - p);
	a->kind = VALUE_LITERAL;
	a->n = a->end;
	a->p = assignments_keep_value(&file->parsed, p, a->n, &file->why);
	return a->p ? 0 : -1;
}

static int file_parse(const struct import *im, struct import_file *file)
{
	switch (file->kind) {
	case FILE_SHELL:
	case FILE_FISH:
		return shell_parse(&file->text, file->kind == FILE_FISH, im->home, &file->parsed,
				   &file->why);
	case FILE_CLAUDE_SETTINGS:
		return settings_env_parse(&file->text, &file->parsed, &file->why);
	default:
		return key_file_parse(file);
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

int find_files_add(struct import *im, const char *path, enum file_kind kind, bool must)
{
	struct import_file *file = &im->file[im->files];
	unsigned bad;
	enum locked_text_result result;

	if (im->files == FILES_MAX || strlen(path) >= PATH_SIZE || file_is_listed(im, path))
		return -1;
	memset(file, 0, sizeof(*file));
	snprintf(file->path, sizeof(file->path), "%s", path);
	file->kind = kind;
	result = locked_text_read(path, true, &file->text, &file->st, &file->why);
	if (result == LOCKED_TEXT_NONE && !must)
		return -1;
	if (result == LOCKED_TEXT_NONE)
		fail_set(&file->why, FAIL_NO_ENTRY, NULL, "no such file");
	if (result != LOCKED_TEXT_READ || file_parse(im, file) != 0) {
		failure_drop_path(file);
		bad = file->parsed.bad_line;
		assignments_free(&file->parsed);
		file->parsed.bad_line = bad;
		locked_text_free(&file->text);
	} else {
		file->why.code = FAIL_NONE;
	}
	return (int)im->files++;
}

/* Is it a shell script that names variables of claude's? */
static bool file_is_wrapper(const char *path, bool *fish)
{
	struct locked_text t;
	struct stat st;
	char line[128];
	bool yes;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > SCRIPT_MAX ||
	    locked_text_read(path, true, &t, &st, NULL) != LOCKED_TEXT_READ)
		return false;
	yes = memmem(t.p, t.n, "ANTHROPIC_", 10) || memmem(t.p, t.n, "CLAUDE_CODE_", 12);
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(t.p, "\n"), t.p);
	*fish = strstr(line, "fish") != NULL;
	if (strncmp(line, "#!", 2) == 0)
		yes = yes && strstr(line, "sh") != NULL;
	else
		yes = yes && !(st.st_mode & 0111);
	explicit_bzero(line, sizeof(line));
	locked_text_free(&t);
	return yes;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Add a directory's files, by name: wrapper scripts, or those that end in `ending`. */
static void find_in_directory(struct import *im, const char *dir, const char *ending, bool wrappers)
{
	struct dirent **e;
	char path[PATH_SIZE];
	bool fish;
	int i, n = scandir(dir, &e, NULL, compare_names);

	for (i = 0; i < n; i++) {
		fish = name_ends_in(e[i]->d_name, ".fish");
		if (snprintf(path, sizeof(path), "%s/%s", dir, e[i]->d_name) < (int)sizeof(path) &&
		    e[i]->d_name[strspn(e[i]->d_name, ".")]) {
			if (wrappers && file_is_wrapper(path, &fish))
				find_files_add(im, path, fish ? FILE_FISH : FILE_SHELL, false);
			else if (!wrappers && name_ends_in(e[i]->d_name, ending))
				find_files_add(im, path, fish ? FILE_FISH : FILE_CLAUDE_SETTINGS,
					       false);
		}
		free(e[i]);
	}
	if (n >= 0)
		free(e);
}

static const char *path_below(char path[PATH_SIZE], const char *dir, const char *leaf)
{
	if (snprintf(path, PATH_SIZE, "%s/%s", dir, leaf) >= PATH_SIZE)
		path[0] = '\0';
	return path;
}

static void find_in_home(struct import *im)
{
	char path[PATH_SIZE];
	unsigned i;

	for (i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		find_files_add(im, path_below(path, im->home, shells[i]),
			       name_ends_in(shells[i], ".fish") ? FILE_FISH : FILE_SHELL, false);
	find_in_directory(im, path_below(path, im->home, ".config/fish/conf.d"), ".fish", false);
	find_in_directory(im, path_below(path, im->home, ".config/fish/functions"), ".fish", false);
	find_in_directory(im, path_below(path, im->home, ".local/bin"), NULL, true);
	find_in_directory(im, path_below(path, im->home, "bin"), NULL, true);
	find_files_add(im, path_below(path, im->home, ".claude/settings.json"),
		       FILE_CLAUDE_SETTINGS, false);
	find_files_add(im, path_below(path, im->home, ".claude/settings.local.json"),
		       FILE_CLAUDE_SETTINGS, false);
	/* ccs has one settings file for each profile */
	find_in_directory(im, path_below(path, im->home, ".ccs"), ".settings.json", false);
}

static void find_in_project(struct import *im, const char *dir)
{
	static const char *const names[] = { ".envrc", ".env", ".env.local" };
	char path[PATH_SIZE];
	unsigned i;

	for (i = 0; i < 3; i++)
		find_files_add(im, path_below(path, dir, names[i]), FILE_SHELL, false);
	find_files_add(im, path_below(path, dir, ".claude/settings.json"), FILE_CLAUDE_SETTINGS,
		       false);
	find_files_add(im, path_below(path, dir, ".claude/settings.local.json"),
		       FILE_CLAUDE_SETTINGS, false);
}

static enum file_kind file_kind_of(const char *path)
{
	char line[64] = "";
	int fd;

	if (name_ends_in(path, ".json"))
		return FILE_CLAUDE_SETTINGS;
	if (name_ends_in(path, ".fish"))
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

int find_files(struct import *im, char **word, int n, struct failure *f)
{
	char real[PATH_MAX];
	struct stat st;
	int i;

	if (n == 0) {
		find_in_home(im);
		if (getcwd(real, sizeof(real)) && strcmp(real, im->home) != 0)
			find_in_project(im, real);
		return 0;
	}
	for (i = 0; i < n; i++) {
		/* The word is not shown: it may be a pasted key, and logs keep messages. */
		if (stat(word[i], &st) != 0)
			return fail_errno(f, "ccctl import takes files and directories", "word %d",
					  i + 1);
		/* Links to directories are followed; a file keeps the name that was given. */
		if (S_ISDIR(st.st_mode) && !realpath(word[i], real))
			return fail_errno(f, NULL, "word %d", i + 1);
		if (!S_ISDIR(st.st_mode))
			find_files_add(im, word[i], file_kind_of(word[i]), true);
		else if (strcmp(real, im->home) == 0)
			find_in_home(im);
		else
			find_in_project(im, real);
	}
	return 0;
}
