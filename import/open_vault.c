/*
 * import/open_vault.c - having ccctl open or make the vault.
 */
#include "import/open_vault.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "base/spawn.h"
#include "client/common/ask.h"
#include "client/common/connection.h"

/*
 * What happens to our signals while ccctl asks.  A terminal sends SIGINT and
 * SIGQUIT to ccctl as well: it must restore the terminal before we end.  The
 * others reach only us and are passed on.
 */
static const struct {
	int number;
	bool passed_on;
} held_signals[] = { { SIGINT, false }, { SIGQUIT, false }, { SIGTERM, true }, { SIGHUP, true } };
#define HELD (sizeof(held_signals) / sizeof(held_signals[0]))

static volatile sig_atomic_t ccctl_pid;

static void pass_signal_on(int number)
{
	if (ccctl_pid > 0)
		kill((pid_t)ccctl_pid, number);
}

/*
 * Blocks them too, until ccctl's process id is known.  defaults: those that ccctl is to
 * take as usual, 0 at the end.
 */
static void hold_signals(struct sigaction was[HELD], int defaults[HELD + 1], sigset_t *mask)
{
	struct sigaction sa;
	sigset_t all;
	unsigned i, n = 0;

	sigemptyset(&all);
	for (i = 0; i < HELD; i++)
		sigaddset(&all, held_signals[i].number);
	sigprocmask(SIG_BLOCK, &all, mask);
	for (i = 0; i < HELD; i++) {
		memset(&sa, 0, sizeof(sa));
		sa.sa_handler = held_signals[i].passed_on ? pass_signal_on : SIG_IGN;
		sigaction(held_signals[i].number, &sa, &was[i]);
		/* What nohup(1) has us ignore, ccctl ignores too. */
		if (was[i].sa_handler != SIG_IGN)
			defaults[n++] = held_signals[i].number;
	}
	defaults[n] = 0;
}

static void restore_signals(const struct sigaction was[HELD])
{
	unsigned i;

	for (i = 0; i < HELD; i++)
		sigaction(held_signals[i].number, &was[i], NULL);
}

/* Run ccctl, holding signals.  Returns 0 with its status, or -1 with f set. */
static int run_and_wait(const char *const argv[], int *status, struct failure *f)
{
	struct sigaction was[HELD];
	int defaults[HELD + 1], r = -1;
	char path[PATH_SIZE];
	/* Standard output is our report's alone. */
	struct spawn s = { .path = path,
			   .argv = argv,
			   .fd = { { STDOUT_FILENO, STDERR_FILENO } },
			   .fds = 1,
			   .defaults = defaults,
			   .unblocked = true,
			   .death_signal = SIGTERM };
	sigset_t mask;
	pid_t pid;

	if (path_installed("bin/ccctl", path, f) != 0)
		return -1;
	hold_signals(was, defaults, &mask);
	pid = spawn_start(&s);
	if (pid < 0)
		fail_errno(f, "is the installation whole? make install", "run %s", path);
	ccctl_pid = pid;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (pid > 0)
		r = spawn_wait(pid, status) == 0 ? 0 : fail_errno(f, NULL, "waiting for ccctl");
	ccctl_pid = 0;
	restore_signals(was);
	return r;
}

/* 0, ccctl's exit code, or -1 with f set.  When a signal ended it, it ends us. */
static int run_ccctl(const char *const argv[], struct failure *f)
{
	int status;

	if (run_and_wait(argv, &status, f) != 0)
		return -1;
	if (WIFSIGNALED(status))
		raise(WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_init(struct failure *f)
{
	const char *const argv[] = { "ccctl", "init", NULL };

	return run_ccctl(argv, f);
}

static int run_unlock(int pass_fd, struct failure *f)
{
	char number[16];
	const char *const argv[] = { "ccctl", "unlock", pass_fd < 0 ? NULL : "--passphrase-fd",
				     number, NULL };

	snprintf(number, sizeof(number), "%d", pass_fd);
	return run_ccctl(argv, f);
}

/* With what needs no person: a keyring, a keyfile, the TPM. */
static int run_unlock_auto(struct failure *f)
{
	const char *const argv[] = { "ccctl", "unlock", "--auto", "--quiet", NULL };

	return run_ccctl(argv, f);
}

int open_vault(struct client *c, int pass_fd, struct failure *f)
{
	bool given = pass_fd >= 0, none;
	int r;

	if (client_connect(c, true, f) != 0)
		return -1;
	if (strcmp(c->state, "unlocked") == 0)
		return 0;
	none = strcmp(c->state, "none") == 0;
	if (none && (given || !ask_possible()))
		return fail_set(f, FAIL_NO_VAULT, "ccctl init, then the same command again",
				"there is no vault yet");
	if (none) {
		r = run_init(f);
	} else if (given || ask_possible()) {
		r = run_unlock(pass_fd, f);
	} else {
		/* A broker that has just started, not one that somebody locked. */
		r = strcmp(c->why, "start") == 0 ? run_unlock_auto(f) : EXIT_LOCKED;
		if (r > 0)
			return fail_set(f, FAIL_LOCKED, "ccctl unlock, then the same command again",
					"the vault is locked");
	}
	return r != 0 ? r : client_connect(c, true, f);
}
