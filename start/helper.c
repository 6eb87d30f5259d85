/*
 * start/helper.c - running a helper program: the parent's side of descriptor 3.
 */
#include "start/helper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/proc.h"
#include "base/sock.h"
#include "base/spawn.h"
#include "start/terminal.h"

#define HELPER_FD 3
#define EXIT_PATIENCE_MS 5000	 /* from the answer to its end */
#define HARDEN_PATIENCE_MS 10000 /* from exec to undumpable; a loaded machine is slow */

/*
 * Wait until the helper is undumpable.  spawn_start has returned, so it has passed
 * exec: before that it would still be as undumpable as its parent.
 */
static int helper_wait_hardened(pid_t pid, int64_t deadline, struct failure *f)
{
	struct proc_stat st;

	/* /proc/PID of root's processes is root's, dumpable or not: nothing to see there. */
	if (geteuid() == 0)
		return 0;
	for (; clock_now_ms() < deadline; poll(NULL, 0, 1)) {
		if (proc_stat(pid, &st) != 0 || st.state == 'Z')
			return 0; /* it has ended: its answer says why */
		if (st.owner == 0 && proc_tracer(pid) == 0)
			return 0;
	}
	return fail_set(f, FAIL_POSTURE, "detach the debugger", "the helper did not harden itself");
}

static int helper_read_answer(const struct helper *h, int fd, uint8_t *out, size_t room, size_t *n,
			      struct failure *f)
{
	uint8_t texts[HELPER_LEAST];
	char kind = 0;
	struct iovec iov[2] = { { &kind, 1 }, { room ? out : texts, room ? room : sizeof(texts) } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t got;
	int r;

	r = io_wait(fd, POLLIN, h->patience_ms ? clock_now_ms() + h->patience_ms : INT64_MAX);
	if (r == 0)
		return fail_set(f, FAIL_TIMEOUT, "is what it talks to alive?",
				"%s did not answer within %d s", h->argv[0], h->patience_ms / 1000);
	do
		got = r < 0 ? -1 : recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	/* A helper that ended without reading its packet resets the connection. */
	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return fail_set(f, FAIL_PROGRAM, "is the installation whole? make install",
				"%s ended without an answer", h->argv[0]);
	if (got < 0)
		return fail_errno(f, NULL, "answer of %s", h->argv[0]);
	if (m.msg_flags & MSG_TRUNC)
		r = fail_set(f, FAIL_TOO_LARGE, NULL, "%s answered too much", h->argv[0]);
	else if (kind != 'k')
		r = fail_unpack(f, iov[1].iov_base, (size_t)got - 1);
	else
		r = 0;
	if (r == 0)
		*n = (size_t)got - 1;
	else
		io_wipe(iov[1].iov_base, iov[1].iov_len);
	return r;
}

static int helper_exchange(const struct helper *h, pid_t pid, int64_t deadline, int fd,
			   uint8_t *out, size_t room, size_t *n, struct failure *f)
{
	if (h->in_parts && h->hardened && helper_wait_hardened(pid, deadline, f) != 0)
		return -1;
	/* A helper that has ended already may have left an answer: read it. */
	if (h->in_parts && sock_send(fd, h->in, (int)h->in_parts, -1) != 0 && errno != EPIPE &&
	    errno != ECONNRESET)
		return fail_errno(f, NULL, "speak to %s", h->argv[0]);
	return helper_read_answer(h, fd, out, room, n, f);
}

/*
 * A helper gets what it needs to find its service.  Other variables have the loader, or
 * the libraries for whose sake it is a program of its own, load code (LD_*, OPENSSL_CONF,
 * GIO_*) or write what they do to a file (TSS2_LOGFILE), and it holds a slot's key.
 */
static bool variable_is_of_no_use(const char *entry)
{
	static const char *const kept[] = { "DBUS_SESSION_BUS_ADDRESS=", "XDG_RUNTIME_DIR=" };
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strncmp(entry, kept[i], strlen(kept[i])) == 0)
			return false;
	return true;
}

/* Its pid, and in *fd our end of the socket pair; or -1. */
static pid_t helper_start(const struct helper *h, const char *path, int64_t deadline, int *fd,
			  struct failure *f)
{
	static const int interactive[] = { SIGINT, SIGQUIT, 0 };
	struct spawn s = {
		.path = path,
		.argv = h->argv,
		.drop = h->drop ? h->drop : variable_is_of_no_use,
		.fd = { { 0, SPAWN_NULL }, { 1, SPAWN_NULL }, { 2, SPAWN_NULL } },
		.fds = 4,
		.close_others = true,
		.deadline = h->patience_ms ? deadline : 0,
	};
	int pair[2], tty = -1;
	pid_t pid = -1;

	if (h->interactive) {
		s.fd[1].ours = s.fd[2].ours = STDERR_FILENO;
		s.defaults = interactive;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		fail_errno(f, NULL, "socketpair");
		return -1;
	}
	s.fd[3] = (struct spawn_fd){ HELPER_FD, pair[1] };
	if (h->terminal) {
		tty = terminal_open(TERMINAL_PATIENCE_MS);
		s.fd[0].ours = tty;
	}
	if (h->terminal && tty < 0)
		terminal_fail(NULL, f);
	else {
		pid = spawn_start(&s);
		if (pid < 0)
			fail_errno(f, "is the installation whole? make install", "run %s",
				   h->argv[0]);
	}
	if (tty >= 0)
		close(tty);
	close(pair[1]);
	if (pid < 0)
		close(pair[0]);
	*fd = pair[0];
	return pid;
}

/* After its answer it has EXIT_PATIENCE_MS to clean up; one that has ended without an answer has
 * EXIT_PATIENCE_MS to be gone.  The signal that ended it, 0: none but ours. */
static int helper_reap(const struct helper *h, pid_t pid, bool failed, bool ended)
{
	int status = 0, r = -1;

	if (ended || (h->patience_ms && !failed))
		r = spawn_wait_until(pid, clock_now_ms() + EXIT_PATIENCE_MS, &status);
	else if (!h->patience_ms)
		r = spawn_wait(pid, &status);
	if (r == 0)
		return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	kill(pid, SIGKILL);
	spawn_wait(pid, &status);
	return 0;
}

/* A library that the helper is there for may end it where it is refused memory or a thread. */
static void helper_fail_signal(const struct helper *h, int sig, struct failure *f)
{
	fail_set(f, FAIL_PROGRAM, "the same command again; is the machine out of memory?",
		 "%s was ended by a signal (%s)", h->argv[0], strsignal(sig));
}

int helper_run(const struct helper *h, uint8_t *out, size_t room, size_t *n, struct failure *f)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, interrupt, quit;
	int64_t deadline = clock_now_ms() + HARDEN_PATIENCE_MS;
	char path[PATH_SIZE], rest[64];
	int fd, sig, r = -1;
	bool ended;
	pid_t pid;

	*n = 0;
	snprintf(rest, sizeof(rest), "libexec/ccrun/%s", h->argv[0]);
	if (path_installed(rest, path, f) != 0)
		return -1;
	if (access(path, X_OK) != 0)
		return fail_set(f, FAIL_CONFIG,
				"make install puts it there; make HELPERS= leaves it out",
				"%s is not installed", h->argv[0]);
	if (h->interactive) {
		sigaction(SIGINT, &ignore, &interrupt);
		sigaction(SIGQUIT, &ignore, &quit);
	}
	pid = helper_start(h, path, deadline, &fd, f);
	if (pid > 0) {
		r = helper_exchange(h, pid, deadline, fd, out, room, n, f);
		close(fd);
		ended = r != 0 && f && f->code == FAIL_PROGRAM;
		sig = helper_reap(h, pid, r != 0, ended);
		if (ended && sig)
			helper_fail_signal(h, sig, f);
	}
	if (h->interactive) {
		sigaction(SIGINT, &interrupt, NULL);
		sigaction(SIGQUIT, &quit, NULL);
	}
	return r;
}
