/*
 * import/outside.c - running ccctl, and starting a broker, outside the cage.
 */
#include "import/outside.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "base/spawn.h"
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

struct outside_answer {
	int status;	  /* ccctl's, from waitpid */
	struct failure f; /* code set: it was not done */
};

static int channel = -1; /* to the other process */

/* ---- the process outside ---- */

static int run_start(const char *const argv[], const int defaults[], struct failure *f)
{
	char path[PATH_SIZE];
	/* Standard output is our report's alone. */
	struct spawn s = { .path = path,
			   .argv = argv,
			   .fd = { { STDOUT_FILENO, STDERR_FILENO } },
			   .fds = 1,
			   .defaults = defaults,
			   .unblocked = true,
			   .death_signal = SIGTERM };
	pid_t pid;

	if (path_installed("bin/ccctl", path, f) != 0)
		return -1;
	pid = spawn_start(&s);
	if (pid < 0)
		return fail_errno(f, "is the installation whole? make install", "run %s", path);
	return pid;
}

/* Wait for ccctl's end; meanwhile pass signals on to it, and end it with the reader. */
static int run_wait(int fd, int ended, pid_t pid, struct failure *f)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = ended, .events = POLLIN } };
	struct signalfd_siginfo info;
	uint8_t number;
	int status;
	pid_t r;

	for (;;) {
		r = waitpid(pid, &status, WNOHANG);
		if (r == pid)
			return status;
		if (r < 0)
			return fail_errno(f, NULL, "waiting for ccctl");
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents && read(ended, &info, sizeof(info)) < 0)
			continue;
		if (!p[0].revents)
			continue;
		if (recv(fd, &number, 1, 0) == 1) {
			kill(pid, number);
		} else {
			kill(pid, SIGTERM);
			p[0].fd = -1;
		}
	}
}

static void serve_wish(int fd, int ended, enum outside_wish wish, int pass_fd, const int defaults[],
		       struct outside_answer *out)
{
	char number[16];
	const char *const init[] = { "ccctl", "init", NULL };
	const char *const unlock[] = { "ccctl", "unlock", pass_fd < 0 ? NULL : "--passphrase-fd",
				       number, NULL };
	/* With what needs no person: a keyring, a keyfile, the TPM. */
	const char *const automatic[] = { "ccctl", "unlock", "--auto", "--quiet", NULL };
	const char *const *argv = wish == OUTSIDE_INIT	 ? init
				  : wish == OUTSIDE_AUTO ? automatic
							 : unlock;
	struct client c;
	int pid;

	if (wish == OUTSIDE_BROKER) {
		/* Before it has started one it may have noted that there was none. */
		if (client_begin(&c, false, &out->f) == 0 && client_connect(&c, true, &out->f) == 0)
			out->f.code = FAIL_NONE;
		client_end(&c);
		return;
	}
	snprintf(number, sizeof(number), "%d", pass_fd);
	pid = run_start(argv, defaults, &out->f);
	if (pid > 0)
		out->status = run_wait(fd, ended, pid, &out->f);
}

/* Until the reader ends.  Signals from a terminal are the reader's and ccctl's. */
static void __attribute__((noreturn)) serve(int fd, int pass_fd)
{
	int defaults[HELD + 1], n = 0, ended;
	struct outside_answer out;
	struct sigaction was;
	sigset_t set;
	uint8_t wish;
	unsigned i;

	for (i = 0; i < HELD; i++) {
		sigaction(held_signals[i].number, NULL, &was);
		/* What nohup(1) has us ignore, ccctl ignores too. */
		if (was.sa_handler != SIG_IGN)
			defaults[n++] = held_signals[i].number;
		signal(held_signals[i].number, SIG_IGN);
	}
	defaults[n] = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ended = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	while (ended >= 0 && recv(fd, &wish, 1, 0) == 1) {
		memset(&out, 0, sizeof(out));
		serve_wish(fd, ended, (enum outside_wish)wish, pass_fd, defaults, &out);
		if (send(fd, &out, sizeof(out), MSG_NOSIGNAL) != sizeof(out))
			break;
	}
	_exit(0);
}

/* ---- the reader ---- */

int outside_begin(int pass_fd, struct failure *f)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(f, NULL, "socketpair");
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		close(pair[0]);
		close(pair[1]);
		return fail_errno(f, NULL, "fork");
	}
	if (pid == 0) {
		close(pair[0]);
		serve(pair[1], pass_fd);
	}
	close(pair[1]);
	channel = pair[0];
	if (pass_fd > STDERR_FILENO)
		close(pass_fd);
	return 0;
}

static void pass_signal_on(int number)
{
	const uint8_t byte = (uint8_t)number;
	int saved = errno;

	if (send(channel, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		/* Then nobody is there who waits for it. */
	}
	errno = saved;
}

static void hold_signals(struct sigaction was[HELD])
{
	struct sigaction sa;
	unsigned i;

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

int outside_ask(enum outside_wish wish, struct failure *f)
{
	const uint8_t byte = (uint8_t)wish;
	struct outside_answer a;
	struct sigaction was[HELD];
	ssize_t n;

	hold_signals(was);
	n = send(channel, &byte, 1, MSG_NOSIGNAL);
	while (n >= 0 && (n = recv(channel, &a, sizeof(a), 0)) < 0 && errno == EINTR)
		n = 0;
	restore_signals(was);
	if (n != sizeof(a))
		return fail_set(f, FAIL_INTERNAL, NULL, "the process that runs ccctl has ended");
	if (a.f.code != FAIL_NONE) {
		*f = a.f;
		return -1;
	}
	if (WIFSIGNALED(a.status))
		raise(WTERMSIG(a.status));
	return WIFEXITED(a.status) ? WEXITSTATUS(a.status) : 128 + WTERMSIG(a.status);
}

int outside_connect(struct client *c, struct failure *f)
{
	if (client_connect(c, false, NULL) == 0)
		return 0;
	/* Or it says why not. */
	return outside_ask(OUTSIDE_BROKER, f) != 0 ? -1 : client_connect(c, false, f);
}
