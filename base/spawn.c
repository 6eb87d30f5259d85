/*
 * base/spawn.c - starting other programs: fork, set up, exec, wait.
 *
 * MUST: between fork and exec the child only makes system calls, and ends with
 * _exit: buffered output and atexit handlers are the parent's.
 */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/proc.h"
#include "base/spawn_variables.h"

#define POLL_MS 2 /* between looks at a child that no pidfd can be had of */

/* ---- in the child ---- */

/* The lowest number above the standard streams and all that the program is given. */
static int spawn_top(const struct spawn *s)
{
	int top = STDERR_FILENO + 1;
	unsigned i;

	for (i = 0; i < s->fds; i++)
		if (s->fd[i].theirs >= top)
			top = s->fd[i].theirs + 1;
	return top;
}

/* A descriptor to copy from, at top or above, where no dup2 below overwrites it. */
static int spawn_source_fd(int ours, int top)
{
	int fd = ours, high;

	if (ours == SPAWN_NULL)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0 || fd >= top)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, top);
	if (ours == SPAWN_NULL)
		close(fd);
	return high;
}

/* Those that exec closes: where an errno is reported, and the program; -1: there is none. */
#define HELD 2

/* On failure *fd stays what it was: an errno may have to be reported on it. */
static int spawn_replace_fd(int *fd, int by)
{
	if (by < 0)
		return -1;
	*fd = by;
	return 0;
}

/* Close all from top on but the held ones, which are above it and move there. */
static int spawn_close_others(int held[HELD], int top)
{
	int i;

	for (i = 0; i < HELD; i++)
		if (held[i] >= 0 &&
		    spawn_replace_fd(&held[i], fcntl(held[i], F_DUPFD_CLOEXEC, top + HELD)) != 0)
			return -1;
	for (i = 0; i < HELD; i++)
		if (held[i] >= 0 &&
		    spawn_replace_fd(&held[i], dup3(held[i], top++, O_CLOEXEC)) != 0)
			return -1;
	syscall(SYS_close_range, (unsigned)top, ~0u, 0u);
	return 0;
}

/* The held ones move out of the way, and stay open. */
static int spawn_set_fds(const struct spawn *s, int held[HELD])
{
	int from[SPAWN_FDS], top = spawn_top(s);
	unsigned i;

	for (i = 0; i < HELD; i++)
		if (held[i] >= 0 && spawn_replace_fd(&held[i], spawn_source_fd(held[i], top)) != 0)
			return -1;
	for (i = 0; i < s->fds; i++) {
		from[i] = spawn_source_fd(s->fd[i].ours, top);
		if (from[i] < 0)
			return -1;
	}
	for (i = 0; i < s->fds; i++)
		if (dup2(from[i], s->fd[i].theirs) < 0)
			return -1;
	return s->close_others ? spawn_close_others(held, top) : 0;
}

static void spawn_set_signals(const struct spawn *s)
{
	sigset_t none;
	int i;

	/* Those of the C library's own, and SIGKILL, fail: they are at their default. */
	for (i = 1; s->all_defaults && i < NSIG; i++)
		signal(i, SIG_DFL);
	for (i = 0; s->defaults && s->defaults[i]; i++)
		signal(s->defaults[i], SIG_DFL);
	if (s->unblocked) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
	}
}

static int spawn_set_group(const struct spawn *s)
{
	if (s->session && setsid() < 0)
		return -1;
	if (s->group && setpgid(0, 0) != 0)
		return -1;
	/* Before the signals: in the background this sends SIGTTOU to whom it is not blocked in. */
	if (s->foreground)
		tcsetpgrp(STDIN_FILENO, getpid());
	if (s->death_signal)
		prctl(PR_SET_PDEATHSIG, s->death_signal);
	return 0;
}

static int spawn_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* Only dumpable may a process write its own maps; exec makes it so again anyhow. */
static int spawn_leave_network(void)
{
	char uids[64], gids[64];

	snprintf(uids, sizeof(uids), "%u %u 1", (unsigned)geteuid(), (unsigned)geteuid());
	snprintf(gids, sizeof(gids), "%u %u 1", (unsigned)getegid(), (unsigned)getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
		return -1;
	return spawn_write_file("/proc/self/setgroups", "deny") != 0 ||
			       spawn_write_file("/proc/self/uid_map", uids) != 0 ||
			       spawn_write_file("/proc/self/gid_map", gids) != 0
		       ? -1
		       : 0;
}

static int spawn_confine(const struct spawn *s)
{
	if (s->no_network && spawn_leave_network() != 0)
		return -1;
	if (s->marked && proc_mark_self() != 0)
		return -1;
	return s->restrict_more ? s->restrict_more() : 0;
}

static char *const *spawn_environment(const struct spawn *s)
{
	char **from = environ, **to = environ;

	if (s->env || !s->drop)
		return s->env ? s->env : environ;
	for (; *from; from++)
		if (!s->drop(*from))
			*to++ = *from;
	*to = NULL;
	return environ;
}

static void spawn_execute(const struct spawn *s, int program)
{
	char *const *argv = (char *const *)(uintptr_t)s->argv;
	char *const *env = spawn_variables(spawn_environment(s));

	if (!s->path)
		syscall(SYS_execveat, program, "", argv, env, AT_EMPTY_PATH);
	else if (s->search)
		execvpe(s->path, argv, env);
	else
		execve(s->path, argv, env);
}

static void __attribute__((noreturn)) spawn_give_up(int report)
{
	int why = errno;

	_exit(report >= 0 && write(report, &why, sizeof(why)) < 0 ? 127 : 126);
}

/* report: -1, or where an errno goes when the program cannot be run. */
static void __attribute__((noreturn)) spawn_become(const struct spawn *s, int report)
{
	int held[HELD] = { report, s->path ? -1 : s->program };

	if (spawn_set_group(s) == 0 && spawn_set_fds(s, held) == 0 &&
	    (!s->dir || chdir(s->dir) == 0) && spawn_confine(s) == 0) {
		spawn_set_signals(s);
		spawn_execute(s, held[1]);
	}
	spawn_give_up(held[0]);
}

/* ---- in the parent ---- */

int spawn_pipe(int ends[2])
{
	int fd[2], i, saved;

	if (pipe2(fd, O_CLOEXEC) != 0)
		return -1;
	for (i = 0; i < 2; i++)
		ends[i] = fd[i] > STDERR_FILENO ? fd[i]
						: fcntl(fd[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	saved = errno;
	for (i = 0; i < 2; i++)
		if (ends[i] != fd[i])
			close(fd[i]);
	if (ends[0] >= 0 && ends[1] >= 0)
		return 0;
	for (i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	errno = saved;
	return -1;
}

/* The report's end without a word means that exec closed it.  0, or an errno. */
static int spawn_read_report(int report, int64_t deadline)
{
	ssize_t n;
	int why;

	n = io_read_all(report, &why, sizeof(why), deadline ? deadline : INT64_MAX);
	if (n < 0)
		return errno;
	return n == sizeof(why) && why != 0 ? why : 0;
}

pid_t spawn_start(const struct spawn *s)
{
	int report[2], status, why;
	pid_t pid;

	if (spawn_pipe(report) != 0)
		return -1;
	pid = fork();
	if (pid == 0)
		spawn_become(s, report[1]);
	why = errno;
	close(report[1]);
	if (pid > 0)
		why = spawn_read_report(report[0], s->deadline);
	close(report[0]);
	if (pid > 0 && why == 0)
		return pid;
	if (pid > 0) {
		kill(pid, SIGKILL);
		spawn_wait(pid, &status);
	}
	errno = why;
	return -1;
}

/*
 * In the child of spawn_detached: leave the program to init.  The descriptors change hands here,
 * because the parent waits for this process alone: it may ask at the terminal next, and a process
 * of another session that still had that open would be taken for a reader.
 */
static void __attribute__((noreturn)) spawn_abandon(const struct spawn *s, int report)
{
	int held[HELD] = { report, s->path ? -1 : s->program };
	struct spawn rest = *s;
	pid_t pid;

	if (spawn_set_fds(s, held) != 0)
		spawn_give_up(held[0]);
	rest.program = held[1];
	rest.fds = 0;
	rest.close_others = false;
	rest.session = false;
	setsid();
	pid = fork();
	if (pid == 0)
		spawn_become(&rest, held[0]);
	if (pid < 0)
		spawn_give_up(held[0]);
	_exit(0);
}

int spawn_detached(const struct spawn *s, bool report)
{
	int ends[2] = { -1, -1 }, status, why;
	pid_t pid;

	if (report && spawn_pipe(ends) != 0)
		return -1;
	pid = fork();
	if (pid == 0)
		spawn_abandon(s, ends[1]);
	why = pid < 0 ? errno : 0;
	if (report)
		close(ends[1]);
	if (pid > 0)
		spawn_wait(pid, &status);
	if (pid > 0 && report)
		why = spawn_read_report(ends[0], s->deadline);
	if (report)
		close(ends[0]);
	errno = why;
	return why ? -1 : 0;
}

int spawn_wait(pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

int spawn_wait_until(pid_t pid, int64_t deadline, int *status)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0u), saved;
	pid_t r;

	do {
		r = waitpid(pid, status, WNOHANG);
		if (r == 0 && clock_now_ms() >= deadline) {
			errno = ETIMEDOUT;
			break;
		}
		if (r == 0 && fd >= 0)
			io_wait(fd, POLLIN, deadline);
		else if (r == 0)
			poll(NULL, 0, POLL_MS);
	} while (r == 0 || (r < 0 && errno == EINTR));
	saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return r > 0 ? 0 : -1;
}
