/*
 * import/open_vault.c - having ccctl open or make the vault.
 */
#include "import/open_vault.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "client/common/common.h"
#include "client/common/terminal.h"

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

/* Blocks them too, until the child's process id is known. */
static void hold_signals(struct sigaction was[HELD], sigset_t *mask)
{
	struct sigaction sa;
	sigset_t all;
	unsigned i;

	sigemptyset(&all);
	for (i = 0; i < HELD; i++)
		sigaddset(&all, held_signals[i].number);
	sigprocmask(SIG_BLOCK, &all, mask);
	for (i = 0; i < HELD; i++) {
		memset(&sa, 0, sizeof(sa));
		sa.sa_handler = held_signals[i].passed_on ? pass_signal_on : SIG_IGN;
		sigaction(held_signals[i].number, &sa, &was[i]);
	}
}

static void restore_signals(const struct sigaction was[HELD])
{
	unsigned i;

	for (i = 0; i < HELD; i++)
		sigaction(held_signals[i].number, &was[i], NULL);
}

static void __attribute__((noreturn)) become_ccctl(const char *path, char *const argv[])
{
	/* Standard output is our report's alone. */
	if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
		execv(path, argv);
	dprintf(STDERR_FILENO, "ccctl: run %s: %s\nhint: is the installation whole? make install\n",
		path, strerror(errno));
	_exit(EXIT_FAILED);
}

/* 0, ccctl's exit code, or -1 with f set.  When a signal ended it, it ends us. */
static int run_ccctl(char *const argv[], struct failure *f)
{
	struct sigaction was[HELD];
	char path[PATH_SIZE];
	sigset_t mask;
	int status;
	pid_t pid;

	if (path_sibling("bin/ccctl", path, f) != 0)
		return -1;
	hold_signals(was, &mask);
	pid = fork();
	if (pid == 0) {
		restore_signals(was);
		sigprocmask(SIG_SETMASK, &mask, NULL);
		become_ccctl(path, argv);
	}
	ccctl_pid = pid;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (pid < 0)
		fail_errno(f, NULL, "fork");
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			pid = fail_errno(f, NULL, "waiting for ccctl");
	ccctl_pid = 0;
	restore_signals(was);
	if (pid < 0)
		return -1;
	if (WIFSIGNALED(status))
		raise(WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The words of a command line are arrays: exec(3) wants them writable. */
static char ccctl[] = "ccctl", init[] = "init", unlock[] = "unlock";

static int run_init(struct failure *f)
{
	char *argv[] = { ccctl, init, NULL };

	return run_ccctl(argv, f);
}

static int run_unlock(int pass_fd, struct failure *f)
{
	char option[] = "--passphrase-fd", number[16];
	char *argv[] = { ccctl, unlock, pass_fd < 0 ? NULL : option, number, NULL };

	snprintf(number, sizeof(number), "%d", pass_fd);
	return run_ccctl(argv, f);
}

/* With what needs no person: a keyring, a keyfile, the TPM. */
static int run_unlock_auto(struct failure *f)
{
	char by_itself[] = "--auto", quiet[] = "--quiet";
	char *argv[] = { ccctl, unlock, by_itself, quiet, NULL };

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
	if (none && (given || !terminal_here()))
		return fail_set(f, FAIL_NO_VAULT, "ccctl init, then the same command again",
				"there is no vault yet");
	if (none) {
		r = run_init(f);
	} else if (given || terminal_here()) {
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
