/*
 * start/helper.c - running a helper program with a conversation on descriptor 3.
 */
#include "start/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/proc.h"
#include "base/sock.h"

#define WORDS_MAX 8
#define EXIT_PATIENCE_MS 5000 /* from the answer to its end */
#define HARDEN_PATIENCE_MS 10000 /* from exec to undumpable; a loaded machine is slow */

/*
 * report: close-on-exec; an errno goes there when the program cannot be run.
 * Both are at least 4, report above it: the standard streams are held.
 */
static void __attribute__((noreturn)) become(const char *path, const struct helper *h, int fd, int report)
{
	const char *argv[WORDS_MAX + 2] = { h->program };
	int null, i, why;

	for (i = 0; i < WORDS_MAX && h->argv[i]; i++)
		argv[i + 1] = h->argv[i];
	/* Libraries like to talk; what is to be said comes on descriptor 3. */
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || dup2(fd, 3) < 0 ||
	    dup3(report, 4, O_CLOEXEC) < 0)
		_exit(127);
	/* A passphrase's descriptor, for one, is none of its business. */
	syscall(SYS_close_range, 5u, ~0u, 0u);
	execv(path, (char *const *)(uintptr_t)argv);
	why = errno;
	_exit(write(4, &why, sizeof(why)) < 0 ? 127 : 126);
}

/*
 * Until it is the program: what we fork is as undumpable as we are, and would
 * pass for hardened before exec makes it anybody's to look into.  The end of
 * the report comes after that.
 */
static int wait_exec(const struct helper *h, int report, int64_t deadline, struct failure *f)
{
	int why;
	ssize_t n = io_read_all(report, &why, sizeof(why), deadline);

	if (n == 0)
		return 0;
	if (n == sizeof(why))
		errno = why;
	return fail_errno(f, "is the installation whole? make install", "run %s", h->program);
}

/* Nobody else reads the memory of who is about to get a secret. */
static int wait_hardened(pid_t pid, int64_t deadline, struct failure *f)
{
	struct proc_stat st;

	/* Root sees root's files everywhere: there is nothing to be seen. */
	if (geteuid() == 0)
		return 0;
	for (; io_now_ms() < deadline; poll(NULL, 0, 1)) {
		if (proc_stat(pid, &st) != 0 || st.state == 'Z')
			return 0; /* it has ended, and what it says is to be read */
		if (st.owner == 0 && proc_tracer(pid) == 0)
			return 0;
	}
	return fail_set(f, FAIL_POSTURE, "detach the debugger", "the helper did not harden itself");
}

static int listen_to(const struct helper *h, int fd, struct secret *out, struct failure *f)
{
	char kind = 0;
	struct iovec iov[2] = { { &kind, 1 }, { out->p, out->room } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;
	int r;

	r = io_wait(fd, POLLIN, io_now_ms() + h->patience_ms);
	if (r == 0)
		return fail_set(f, FAIL_TIMEOUT, "is what it talks to alive?", "%s did not answer within %d s",
				h->program, h->patience_ms / 1000);
	do
		n = r < 0 ? -1 : recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail_errno(f, NULL, "answer of %s", h->program);
	if (n == 0)
		return fail_set(f, FAIL_SYSTEM, "is the installation whole? make install", "%s ended without an answer",
				h->program);
	if (m.msg_flags & MSG_TRUNC)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "%s answered too much", h->program);
	if (kind == 'k') {
		out->n = (size_t)n - 1;
		return 0;
	}
	r = fail_unpack(f, (const char *)out->p, (size_t)n - 1);
	io_wipe(out->p, out->room);
	return r;
}

/* The program runs in the child: give it what it is to have, hear its answer. */
static int converse(const struct helper *h, pid_t pid, int fd, int report, struct secret *out, struct failure *f)
{
	int64_t deadline = io_now_ms() + HARDEN_PATIENCE_MS;
	struct iovec iov = { (void *)(uintptr_t)h->in, h->in_len };

	if (wait_exec(h, report, deadline, f) != 0 || (h->in && wait_hardened(pid, deadline, f) != 0))
		return -1;
	/* Who has ended already has left its answer. */
	if (h->in && sock_send(fd, &iov, 1, -1) != 0 && errno != EPIPE && errno != ECONNRESET)
		return fail_errno(f, NULL, "speak to %s", h->program);
	return listen_to(h, fd, out, f);
}

/* In its own process.  0, with our ends of the conversation and the report. */
static int start(const struct helper *h, const char *path, pid_t *pid, int *fd, int *report, struct failure *f)
{
	int pair[2], ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(f, NULL, "socketpair");
	if (pipe2(ends, O_CLOEXEC) != 0) {
		fail_errno(f, NULL, "pipe");
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	*pid = fork();
	if (*pid == 0)
		become(path, h, pair[1], ends[1]);
	if (*pid < 0)
		fail_errno(f, NULL, "fork");
	close(pair[1]);
	close(ends[1]);
	*fd = pair[0];
	*report = ends[0];
	if (*pid > 0)
		return 0;
	close(*fd);
	close(*report);
	return -1;
}

/* It has said what it had to say: it may tidy up, but not for ever. */
static void reap(pid_t pid)
{
	int64_t deadline = io_now_ms() + EXIT_PATIENCE_MS;
	int status;
	pid_t r;

	do {
		r = waitpid(pid, &status, WNOHANG);
		if (r == 0)
			poll(NULL, 0, 2);
	} while ((r == 0 || (r < 0 && errno == EINTR)) && io_now_ms() < deadline);
	if (r != 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

int helper_run(const struct helper *h, struct secret *out, struct failure *f)
{
	char path[PATH_SIZE], rest[64];
	int fd, report, r;
	pid_t pid;

	out->n = 0;
	snprintf(rest, sizeof(rest), "libexec/ccrun/%s", h->program);
	if (path_sibling(rest, path, f) != 0)
		return -1;
	if (access(path, X_OK) != 0)
		return fail_set(f, FAIL_CONFIG, "make install puts it there; make HELPERS= leaves it out",
				"%s is not installed", h->program);
	if (start(h, path, &pid, &fd, &report, f) != 0)
		return -1;
	r = converse(h, pid, fd, report, out, f);
	close(fd);
	close(report);
	if (r != 0)
		kill(pid, SIGKILL);
	reap(pid);
	return r;
}
