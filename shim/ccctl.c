/*
 * shim/ccctl.c - running ccctl for what a session lacks: a vault, a key, an answer.
 */
#include "shim/ccctl.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/spawn.h"
#include "config/provider/params.h"
#include "config/provider/provider.h"
#include "start/terminal.h"

#define PROVIDER_WORD (2 * NAME_MAX_LEN + 2)

static const char *provider_and_mode(const struct provider *p, char out[PROVIDER_WORD])
{
	snprintf(out, PROVIDER_WORD, "%s%s%s", p->name, p->mode[0] ? ":" : "", p->mode);
	return out;
}

/* Patience for no terminal: ccctl gets none. */
#define UNATTENDED (-1)

/* Its pid, or -1.  patience_ms: for the terminal, see terminal_open. */
static pid_t ccctl_start(const char *const *argv, int patience_ms, struct failure *f)
{
	char path[PATH_SIZE];
	struct spawn s = { .path = path,
			   .argv = argv,
			   .fd = { { 0, SPAWN_NULL }, { 1, STDERR_FILENO } },
			   .fds = 2 };
	pid_t pid = -1;
	int tty = -1;

	if (path_installed("bin/ccctl", path, f) != 0)
		return -1;
	if (patience_ms != UNATTENDED) {
		tty = terminal_open(patience_ms);
		if (tty < 0) {
			terminal_fail(NULL, f);
			return -1;
		}
		s.fd[0].ours = tty;
	}
	pid = spawn_start(&s);
	if (pid < 0)
		fail_errno(f, NULL, "cannot run %s", path);
	if (tty >= 0)
		close(tty);
	return pid;
}

static int ccctl_wait(const char *const *argv, int patience_ms, struct failure *f)
{
	pid_t pid = ccctl_start(argv, patience_ms, f);
	int status = -1;

	if (pid < 0)
		return -1;
	if (spawn_wait(pid, &status) != 0)
		return fail_errno(f, NULL, "waiting for ccctl");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return fail_set(f, FAIL_PROGRAM, NULL, "'ccctl %s' did not succeed, so nothing was started",
			argv[1]);
}

static int ccctl_spawn(const char *verb, const char *word, int patience_ms, struct failure *f)
{
	const char *argv[] = { "ccctl", verb, word, NULL };

	return ccctl_wait(argv, patience_ms, f);
}

int ccctl_run(const char *verb, const char *word, struct failure *f)
{
	return ccctl_spawn(verb, word, TERMINAL_PATIENCE_MS, f);
}

int ccctl_add(const struct provider *p, const char *model, struct failure *f)
{
	char word[PROVIDER_WORD], given[sizeof("model=") + PROVIDER_VALUE_MAX];
	const char *argv[] = { "ccctl", "add", provider_and_mode(p, word), NULL, NULL, NULL };

	const struct provider_param *param = params_find(p, "model", strlen("model"));

	/* One that was answered is in no file yet. */
	if (!model && param && param->answered)
		model = param->value;
	if (model && param) {
		snprintf(given, sizeof(given), "model=%s", model);
		argv[3] = "--set";
		argv[4] = given;
	}
	return ccctl_wait(argv, TERMINAL_PATIENCE_MS, f);
}

pid_t ccctl_confirm(const char *id, struct failure *f)
{
	const char *argv[] = { "ccctl", "confirm", "--ask", id, NULL };

	/* The launch waits anyway, and a yes may come from another window. */
	return ccctl_start(argv, 0, f);
}

/* Read the 64 digits and their newline.  0 or -1. */
static int digest_read(int fd, char out[65])
{
	char line[66];

	if (io_read_all(fd, line, sizeof(line), INT64_MAX) != 65 || line[64] != '\n')
		return -1;
	line[64] = '\0';
	if (strspn(line, "0123456789abcdef") != 64)
		return -1;
	memcpy(out, line, 65);
	return 0;
}

int ccctl_digest(const int fds[2], int n, const char *was, const char *is, char out[65],
		 struct failure *f)
{
	const char *argv[] = { "ccctl", "digest", n > 1 ? "3" : "0", was, is, NULL };
	int ends[2], status = -1, r;
	char path[PATH_SIZE];
	struct spawn s = { .path = path,
			   .argv = argv,
			   .fd = { { 0, fds[0] }, { 1, -1 }, { 3, n > 1 ? fds[1] : -1 } },
			   .fds = n > 1 ? 3 : 2,
			   .close_others = true };
	pid_t pid;

	if (path_installed("bin/ccctl", path, f) != 0)
		return -1;
	if (spawn_pipe(ends) != 0)
		return fail_errno(f, NULL, "cannot make a pipe");
	s.fd[1].ours = ends[1];
	pid = spawn_start(&s);
	close(ends[1]);
	r = pid < 0 ? -1 : digest_read(ends[0], out);
	close(ends[0]);
	if (pid < 0)
		return fail_errno(f, NULL, "cannot run %s", path);
	if (spawn_wait(pid, &status) != 0)
		return fail_errno(f, NULL, "waiting for ccctl");
	if (was && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_REFUSED)
		return fail_set(f, FAIL_DECLINED, NULL, "nothing was started");
	if (r != 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fail_set(f, FAIL_PROGRAM, NULL, "'ccctl digest' did not succeed");
	return 0;
}

int ccctl_unlock_unattended(void)
{
	return ccctl_spawn("unlock", "--auto", UNATTENDED, NULL);
}

void ccctl_hint(struct failure *f, const struct provider *p)
{
	char word[PROVIDER_WORD], path[PATH_SIZE];
	const char *astray;

	provider_and_mode(p, word);
	astray = f->code == FAIL_NO_VAULT ? path_astray(PATH_DATA, "vault", path) : NULL;
	if (astray)
		fail_hint(f, "%s leads elsewhere; without it there is %s", astray, path);
	else if (f->code == FAIL_NO_VAULT)
		fail_hint(f, "on a terminal: ccctl init; ccctl add %s", word);
	else if (f->code == FAIL_LOCKED)
		fail_hint(f, "ccctl unlock");
	else if (f->code == FAIL_NO_ENTRY)
		fail_hint(f, "ccctl add %s", word);
}
