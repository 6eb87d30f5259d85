/*
 * shim/ccctl.c - running ccctl for what a session lacks: a vault, a key, an answer.
 */
#include "shim/ccctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "base/spawn.h"
#include "config/provider/provider.h"

#define PROVIDER_WORD (2 * NAME_MAX_LEN + 2)

static const char *provider_and_mode(const struct provider *p, char out[PROVIDER_WORD])
{
	snprintf(out, PROVIDER_WORD, "%s%s%s", p->name, p->mode[0] ? ":" : "", p->mode);
	return out;
}

/* Its pid; or -1, and what can be said of that is printed or in f. */
static pid_t ccctl_start(const char *const *argv, bool terminal, struct failure *f)
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
	if (terminal) {
		tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
		s.fd[0].ours = tty;
	}
	if (!terminal || tty >= 0) {
		pid = spawn_start(&s);
		if (pid < 0)
			dprintf(STDERR_FILENO, "ccrun: cannot run %s: %s\n", path, strerror(errno));
	}
	if (tty >= 0)
		close(tty);
	return pid;
}

static int ccctl_spawn(const char *verb, const char *word, bool terminal, struct failure *f)
{
	const char *argv[] = { "ccctl", verb, word, NULL };
	pid_t pid = ccctl_start(argv, terminal, f);
	int status = -1;

	if (pid > 0 && spawn_wait(pid, &status) != 0)
		return fail_errno(f, NULL, "waiting for ccctl");
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return fail_set(f, FAIL_PROGRAM, NULL, "'ccctl %s' did not succeed, so nothing was started",
			verb);
}

int ccctl_run(const char *verb, const char *word, struct failure *f)
{
	return ccctl_spawn(verb, word, true, f);
}

int ccctl_add(const struct provider *p, struct failure *f)
{
	char word[PROVIDER_WORD];

	return ccctl_spawn("add", provider_and_mode(p, word), true, f);
}

pid_t ccctl_confirm(const char *id)
{
	const char *argv[] = { "ccctl", "confirm", "--ask", id, NULL };

	return ccctl_start(argv, true, NULL);
}

int ccctl_unlock_unattended(void)
{
	return ccctl_spawn("unlock", "--auto", false, NULL);
}

void ccctl_hint(struct failure *f, const struct provider *p)
{
	char word[PROVIDER_WORD];

	provider_and_mode(p, word);
	if (f->code == FAIL_NO_VAULT)
		fail_hint(f, "on a terminal: ccctl init; ccctl add %s", word);
	else if (f->code == FAIL_LOCKED)
		fail_hint(f, "ccctl unlock");
	else if (f->code == FAIL_NO_ENTRY)
		fail_hint(f, "ccctl add %s", word);
}
