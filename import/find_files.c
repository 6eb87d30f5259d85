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

#include "base/io.h"
#include "import/file_add.h"

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

/* Is it a shell script that names variables of claude's? */
static bool file_is_wrapper(const char *path, bool *fish)
{
	static const char *const words[] = { "ANTHROPIC_", "CLAUDE_CODE_", "op run", NULL };
	struct locked_text t;
	struct stat st;
	char line[128];
	bool yes;

	yes = file_has(path, words, &t, &st);
	if (!t.p)
		return false;
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

/* Add a directory's files, by name: wrapper scripts (ending NULL), or those that end so. */
static void find_in_directory(struct import *im, const char *dir, const char *ending,
			      enum file_kind kind)
{
	struct dirent **e;
	char path[PATH_SIZE];
	bool fish;
	int i, n = scandir(dir, &e, NULL, compare_names);

	for (i = 0; i < n; i++) {
		fish = name_ends_in(e[i]->d_name, ".fish");
		if (snprintf(path, sizeof(path), "%s/%s", dir, e[i]->d_name) < (int)sizeof(path) &&
		    e[i]->d_name[strspn(e[i]->d_name, ".")]) {
			if (!ending && file_is_wrapper(path, &fish))
				file_add(im, path, fish ? FILE_FISH : FILE_SHELL, false, SIDE_OWN);
			else if (ending && name_ends_in(e[i]->d_name, ending))
				file_add(im, path, kind, false, SIDE_OWN);
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

/* ending: of the names of a directory's files; NULL: wrapper scripts, or one file. */
struct place {
	const char *path, *ending;
	enum file_kind kind;
};

static const struct place home_files[] = {
	{ ".config/fish/fish_variables", NULL, FILE_FISH_VARIABLES },
	{ ".config/nushell/env.nu", NULL, FILE_NUSHELL },
	{ ".config/nushell/config.nu", NULL, FILE_NUSHELL },
	{ ".config/nushell/login.nu", NULL, FILE_NUSHELL },
	{ ".claude/settings.json", NULL, FILE_CLAUDE_SETTINGS },
	{ ".claude/settings.local.json", NULL, FILE_CLAUDE_SETTINGS },
	{ ".pam_environment", NULL, FILE_SHELL },
	{ ".env", NULL, FILE_SHELL },
	{ ".cc-switch/cc-switch.db", NULL, FILE_CC_SWITCH_DB },
	{ ".claude-code-router/.env", NULL, FILE_SHELL },
	{ ".claude-code-router/config.json", NULL, FILE_ROUTER },
};

static const struct place home_dirs[] = {
	{ ".config/fish/conf.d", ".fish", FILE_FISH },
	{ ".config/fish/functions", ".fish", FILE_FISH },
	{ ".config/nushell/autoload", ".nu", FILE_NUSHELL },
	{ ".local/bin", NULL, FILE_SHELL },
	{ "bin", NULL, FILE_SHELL },
	{ ".config/environment.d", ".conf", FILE_SHELL },
	{ ".config/systemd/user", ".service", FILE_SYSTEMD },
	/* ccs has one settings file for each profile */
	{ ".ccs", ".settings.json", FILE_CLAUDE_SETTINGS },
	/* cc-switch: JSON until its version 3.7, and copies of both kinds of file */
	{ ".cc-switch", ".json", FILE_CC_SWITCH },
	{ ".cc-switch", ".json.bak", FILE_CC_SWITCH },
	{ ".cc-switch", ".json.migrated", FILE_CC_SWITCH },
	{ ".cc-switch/backups", ".json", FILE_CC_SWITCH },
	{ ".cc-switch/backups", ".db", FILE_CC_SWITCH_DB },
};

/* What is known to hold a secret, and is not taken over. */
static const struct {
	const char *dir, *leaf, *ending, *why;
} named[] = {
	{ ".ccs/instances", ".credentials.json", NULL,
	  "a login of claude's, which claude itself renews, and no key: ccrun claude uses its "
	  "own" },
	{ ".ccs/cliproxy/auth", NULL, ".json",
	  "a login that CLIProxyAPI renews, and no key: ccrun custom can use that proxy" },
	{ ".cli-proxy-api", NULL, ".json",
	  "a login that CLIProxyAPI renews, and no key: ccrun custom can use that proxy" },
	{ ".cc-switch", "copilot_auth.json", NULL, "a login that cc-switch renews, and no key" },
};

static void file_name(struct import *im, const char *path, const char *why)
{
	struct import_file *file = &im->file[im->files];

	if (im->files == FILES_MAX || strlen(path) >= PATH_SIZE || access(path, F_OK) != 0)
		return;
	memset(file, 0, sizeof(*file));
	snprintf(file->path, sizeof(file->path), "%s", path);
	file->kind = FILE_NAMED;
	fail_set(&file->why, FAIL_POLICY, NULL, "%s", why);
	im->files++;
}

static void find_named(struct import *im)
{
	char dir[PATH_SIZE], path[2 * PATH_SIZE];
	struct dirent **e;
	unsigned i;
	int k, n;

	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		n = scandir(path_below(dir, im->home, named[i].dir), &e, NULL, compare_names);
		for (k = 0; k < n; k++) {
			const char *name = e[k]->d_name;

			snprintf(path, sizeof(path), "%s/%s", dir, name);
			if (named[i].ending ? name_ends_in(name, named[i].ending)
					    : strcmp(name, named[i].leaf) == 0)
				file_name(im, path, named[i].why);
			if (named[i].leaf && name[0] != '.' &&
			    snprintf(path, sizeof(path), "%s/%s/%s", dir, name, named[i].leaf) > 0)
				file_name(im, path, named[i].why);
			free(e[k]);
		}
		if (n >= 0)
			free(e);
	}
}

/* The files that end so in the directories of a directory. */
static void find_below(struct import *im, const char *dir, const char *ending, enum file_kind kind)
{
	struct dirent **e;
	char path[2 * PATH_SIZE];
	int i, n = scandir(dir, &e, NULL, compare_names);

	for (i = 0; i < n; i++) {
		if (e[i]->d_name[0] != '.' &&
		    snprintf(path, sizeof(path), "%s/%s", dir, e[i]->d_name) < PATH_SIZE)
			find_in_directory(im, path, ending, kind);
		free(e[i]);
	}
	if (n >= 0)
		free(e);
}

/* Editors of VS Code's family: their settings, and those of each profile. */
static void find_of_editors(struct import *im)
{
	static const char *const dirs[] = {
		".config/Code/User",
		".config/Code - Insiders/User",
		".config/Code - OSS/User",
		".config/VSCodium/User",
		".config/Cursor/User",
		".config/Windsurf/User",
		".vscode-server/data/Machine",
		".cursor-server/data/Machine",
		".var/app/com.visualstudio.code/config/Code/User",
		".var/app/com.vscodium.codium/config/VSCodium/User",
	};
	char dir[PATH_SIZE], path[2 * PATH_SIZE];
	unsigned i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		path_below(dir, im->home, dirs[i]);
		snprintf(path, sizeof(path), "%s/settings.json", dir);
		file_add(im, path, FILE_EDITOR, false, SIDE_OWN);
		snprintf(path, sizeof(path), "%s/profiles", dir);
		find_below(im, path, "settings.json", FILE_EDITOR);
	}
}

static void find_in_home(struct import *im)
{
	char path[PATH_SIZE];
	unsigned i;

	for (i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		file_add(im, path_below(path, im->home, shells[i]),
			 name_ends_in(shells[i], ".fish") ? FILE_FISH : FILE_SHELL, false,
			 SIDE_OWN);
	for (i = 0; i < sizeof(home_files) / sizeof(home_files[0]); i++)
		file_add(im, path_below(path, im->home, home_files[i].path), home_files[i].kind,
			 false, SIDE_OWN);
	for (i = 0; i < sizeof(home_dirs) / sizeof(home_dirs[0]); i++)
		find_in_directory(im, path_below(path, im->home, home_dirs[i].path),
				  home_dirs[i].ending, home_dirs[i].kind);
	find_of_editors(im);
	find_below(im, path_below(path, im->home, ".config/systemd/user"), ".conf", FILE_SYSTEMD);
	find_named(im);
}

static void find_in_project(struct import *im, const char *dir)
{
	static const struct place files[] = {
		{ ".envrc", NULL, FILE_SHELL },
		{ ".env", NULL, FILE_SHELL },
		{ ".env.local", NULL, FILE_SHELL },
		{ ".claude/settings.json", NULL, FILE_CLAUDE_SETTINGS },
		{ ".claude/settings.local.json", NULL, FILE_CLAUDE_SETTINGS },
		{ ".vscode/settings.json", NULL, FILE_EDITOR },
	};
	char path[PATH_SIZE];
	unsigned i;

	snprintf(im->project, sizeof(im->project), "%s", dir);
	im->side = ++im->sides;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		file_add(im, path_below(path, dir, files[i].path), files[i].kind, false, im->side);
}

static enum file_kind file_kind_of(const char *path)
{
	/* path: a part of it; ending: of its name. */
	static const struct place kinds[] = {
		{ "/.cc-switch/", ".db", FILE_CC_SWITCH_DB },
		{ "/.cc-switch/", ".json", FILE_CC_SWITCH },
		{ "/.claude-code-router/", ".json", FILE_ROUTER },
		{ "/User/", "settings.json", FILE_EDITOR },
		{ "/Machine/", "settings.json", FILE_EDITOR },
		{ "/.vscode/", "settings.json", FILE_EDITOR },
		{ "", ".json", FILE_CLAUDE_SETTINGS },
		{ "", "fish_variables", FILE_FISH_VARIABLES },
		{ "", ".fish", FILE_FISH },
		{ "", ".nu", FILE_NUSHELL },
		{ "", ".service", FILE_SYSTEMD },
	};
	char line[64] = "";
	unsigned i;
	int fd;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (name_ends_in(path, kinds[i].ending) &&
		    (!kinds[i].path[0] || strstr(path, kinds[i].path)))
			return kinds[i].kind;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && io_read_at(fd, line, sizeof(line) - 1, 0) > 2 && memcmp(line, "#!", 2) == 0)
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
			file_add(im, word[i], file_kind_of(word[i]), true, SIDE_OWN);
		else if (strcmp(real, im->home) == 0)
			find_in_home(im);
		else
			find_in_project(im, real);
	}
	return 0;
}
