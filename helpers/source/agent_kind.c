/*
 * helpers/source/agent_kind.c - which manager has an agent, and where that listens.
 */
#include "helpers/source/agent_kind.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/spawn.h"
#include "helpers/source/manager_environment.h"

#define GPGCONF_MS 10000
#define WORD_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- gpg-agent ---- */

/* Which home the command itself names: gpg alone is asked about its options. */
static const char *gpg_home(const struct command_words *w)
{
	static const char option[] = "--homedir";
	size_t n = sizeof(option) - 1;
	unsigned i;

	for (i = 1; strncmp(base_name(w->v[0]), "gpg", 3) == 0 && i < w->n; i++) {
		if (strncmp(w->v[i], option, n) == 0 && w->v[i][n] == '=')
			return w->v[i] + n + 1;
		if (strcmp(w->v[i], option) == 0)
			return w->v[i + 1];
	}
	return NULL;
}

/*
 * The gpgconf that came with that gpg, else one of root's.  MUST NOT be looked for in PATH, whose first
 * directories are a session's to write: a command that names programs by their paths runs nothing
 * from there.  Its pid, or -1 with errno.
 */
static pid_t gpgconf_start(const struct command_words *w, int to, int64_t deadline)
{
	const char *home = gpg_home(w);
	const char *const argv[] = { "gpgconf",
				     home ? "--homedir" : "--list-dirs",
				     home ? home : "agent-socket",
				     home ? "--list-dirs" : NULL,
				     "agent-socket",
				     NULL };
	/* The distribution's, GnuPG's own, NixOS's. */
	static const char *const places[] = { "/usr/bin/gpgconf", "/usr/local/bin/gpgconf",
					      "/run/current-system/sw/bin/gpgconf" };
	char beside[PATH_SIZE];
	struct spawn s = {
		.path = beside,
		.argv = argv,
		.drop = manager_drops_variable,
		.fd = { { 0, SPAWN_NULL }, { 1, to }, { 2, SPAWN_NULL } },
		.fds = 3,
		.close_others = true,
		.all_defaults = true,
		.unblocked = true,
		.death_signal = SIGKILL,
		.dir = "/",
		.deadline = deadline,
	};
	int n = snprintf(beside, sizeof(beside), "%.*sgpgconf", (int)(base_name(w->v[0]) - w->v[0]),
			 w->v[0]);
	unsigned i;
	pid_t pid;

	errno = ENOENT;
	pid = strncmp(base_name(w->v[0]), "gpg", 3) == 0 && n < PATH_SIZE ? spawn_start(&s) : -1;
	for (i = 0; pid < 0 && errno == ENOENT && i < sizeof(places) / sizeof(places[0]); i++) {
		s.path = places[i];
		pid = spawn_start(&s);
	}
	return pid;
}

/* GnuPG has a rule of several lines for it, which takes what was compiled in; it makes the directory
 * in /run/user, as gpg would. */
static int gpg_find(const struct command_words *w, char path[PATH_SIZE], struct failure *f)
{
	static const char hint[] = "gpgconf --list-dirs agent-socket should say that";
	int64_t deadline = clock_now_ms() + GPGCONF_MS;
	int ends[2], status = -1;
	ssize_t n = -1;
	pid_t pid;
	int error;

	if (spawn_pipe(ends) != 0)
		return fail_errno(f, NULL, "run gpgconf");
	pid = gpgconf_start(w, ends[1], deadline);
	error = errno;
	close(ends[1]);
	if (pid > 0) {
		n = io_read_all(ends[0], path, PATH_SIZE - 1, deadline);
		if (spawn_wait_until(pid, deadline, &status) != 0) {
			kill(pid, SIGKILL);
			spawn_wait(pid, &status);
		}
	}
	close(ends[0]);
	errno = error;
	if (pid <= 0)
		return fail_errno(f,
				  errno == ENOENT ? "it comes with GnuPG, as a package gpgconf"
						  : hint,
				  "where gpg-agent listens cannot be told: run gpgconf");
	path[n > 0 ? n : 0] = '\0';
	path[strcspn(path, "\n")] = '\0';
	if (path[0] != '/' || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fail_set(f, FAIL_SOURCE, hint, "where gpg-agent listens cannot be told");
	return 0;
}

/* ---- rbw-agent ---- */

/* src/dirs.rs of rbw. */
static int rbw_find(const struct command_words *w, char path[PATH_SIZE], struct failure *f)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *profile = getenv("RBW_PROFILE");
	const char *tmp = getenv("TMPDIR"), *dash;
	int n;

	(void)w;
	profile = profile ? profile : "";
	dash = profile[0] ? "-" : "";
	if (run && run[0] == '/')
		n = snprintf(path, PATH_SIZE, "%s/rbw%s%s/socket", run, dash, profile);
	else
		n = snprintf(path, PATH_SIZE, "%s/rbw%s%s-%u/socket", tmp && *tmp ? tmp : "/tmp",
			     dash, profile, (unsigned)getuid());
	return n < PATH_SIZE
		       ? 0
		       : fail_set(f, FAIL_SOURCE, NULL, "where rbw-agent listens is too long");
}

/* ---- which ---- */

static const struct agent_kind kinds[] = {
	{ "gpg-agent",
	  { "gpg", "gpg2", "pass", "gopass", NULL },
	  NULL,
	  "gpgconf --kill gpg-agent; then the same command again",
	  gpg_find },
	/* What is no request it answers with an error. */
	{ "rbw-agent",
	  { "rbw", NULL },
	  "\n",
	  "rbw stop-agent; then the same command again",
	  rbw_find },
};

static const struct agent_kind *kind_of_program(const char *name, size_t n)
{
	unsigned i, k;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (k = 0; kinds[i].programs[k]; k++)
			if (strlen(kinds[i].programs[k]) == n &&
			    memcmp(kinds[i].programs[k], name, n) == 0)
				return &kinds[i];
	return NULL;
}

static bool runs_its_words(const char *program)
{
	static const char *const those[] = { "sh",   "bash", "dash", "zsh",    "ksh",
					     "fish", "env",  "nice", "timeout" };
	unsigned i;

	for (i = 0; i < sizeof(those) / sizeof(those[0]); i++)
		if (strcmp(program, those[i]) == 0)
			return true;
	return false;
}

const struct agent_kind *agent_kind_of(const struct command_words *w)
{
	const char *program = base_name(w->v[0]), *at;
	const struct agent_kind *k = kind_of_program(program, strlen(program));
	unsigned i;
	size_t n;

	for (i = 1; !k && runs_its_words(program) && i < w->n; i++)
		for (at = w->v[i]; !k && *at; at += n + (at[n] != '\0')) {
			n = strspn(at, WORD_CHARS);
			k = kind_of_program(at, n);
		}
	return k;
}
