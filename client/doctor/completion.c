/*
 * client/doctor/completion.c - check: does this person's shell complete ccctl's words?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/paths.h"
#include "client/doctor/checks.h"
#include "client/facts/machine_file.h"

#define ZSHRC_MAX (256 * 1024)

/* Where an installation has the file for a shell, and below which directories a shell looks. */
static const struct shell {
	const char *name, *file;
} shells[] = {
	{ "bash", "bash-completion/completions/ccctl" },
	{ "zsh", "zsh/site-functions/_ccctl" },
	{ "fish", "fish/vendor_completions.d/ccctl.fish" },
};
#define SHELLS (sizeof(shells) / sizeof(shells[0]))

static const struct shell *shell_of_person(void)
{
	const char *name = getenv("SHELL");
	unsigned i;

	name = name ? strrchr(name, '/') : NULL;
	for (i = 0; name && i < SHELLS; i++)
		if (strcmp(name + 1, shells[i].name) == 0)
			return &shells[i];
	return NULL;
}

/* Does a directory of the list (":" between) have that file? */
static bool dirs_have(const char *dirs, const char *file)
{
	char path[MACHINE_PATH], where[MACHINE_PATH];
	const char *end;

	for (; *dirs; dirs = *end ? end + 1 : end) {
		end = strchrnul(dirs, ':');
		snprintf(path, sizeof(path), "%.*s/%s", (int)(end - dirs), dirs, file);
		if (access(machine_file_path(path, where), R_OK) == 0)
			return true;
	}
	return false;
}

/* As the XDG Base Directory Specification has it, which bash-completion and fish go by. */
static bool shell_finds(const char *file)
{
	const char *home = getenv("XDG_DATA_HOME"), *dirs = getenv("XDG_DATA_DIRS");
	char own[PATH_SIZE];

	if (home && home[0] == '/')
		snprintf(own, sizeof(own), "%s", home);
	else if (path_home(own, NULL) != 0 || strlen(own) + 16 > sizeof(own))
		own[0] = '\0';
	else
		strcat(own, "/.local/share");
	return dirs_have(own, file) ||
	       dirs_have(dirs && dirs[0] ? dirs : "/usr/local/share:/usr/share", file);
}

/* zsh has its own list, which a person adds to in a file of zsh's. */
static bool zsh_finds(const char *file)
{
	char path[PATH_SIZE], *text = NULL;
	const char *dir = getenv("ZDOTDIR");
	bool named;
	size_t n;

	if (dirs_have("/usr/local/share:/usr/share", file))
		return true;
	if (dir)
		snprintf(path, sizeof(path), "%s", dir);
	else if (path_home(path, NULL) != 0)
		return false;
	n = strlen(path);
	snprintf(path + n, sizeof(path) - n, "/.zshrc");
	if (io_slurp(path, ZSHRC_MAX, &text, &n, NULL) != 0)
		return false;
	named = strstr(text, "zsh/site-functions") != NULL;
	io_wipe(text, n); /* people keep keys there */
	free(text);
	return named;
}

void check_completion(struct checkup *d)
{
	const struct shell *shell = shell_of_person();
	char share[PATH_SIZE], ours[PATH_SIZE];

	/* An installation without completions has nothing to say of them. */
	if (!shell || path_installed("share", share, NULL) != 0 ||
	    snprintf(ours, sizeof(ours), "%s/%s", share, shell->file) >= (int)sizeof(ours) ||
	    access(ours, R_OK) != 0)
		return;
	if (strcmp(shell->name, "zsh") == 0 ? !zsh_finds(shell->file) : !shell_finds(shell->file)) {
		found_advice(d, NULL,
			     "%s does not look where this installation has its completions",
			     shell->name);
		if (strcmp(shell->name, "zsh") == 0)
			found_hint(d,
				   "in ~/.zshrc, before compinit: fpath+=(%s/zsh/site-functions)",
				   share);
		else
			found_hint(d, "ln -s %s into the same directory below ~/.local/share",
				   ours);
	} else if (strcmp(shell->name, "bash") == 0 &&
		   !shell_finds("bash-completion/bash_completion")) {
		found_advice(d, "as root: apt install bash-completion",
			     "bash has no bash-completion, which loads ours");
	} else {
		found_ok(d, "%s completes ccctl's words", shell->name);
	}
}
