/*
 * base/proc.c - reads /proc/PID, sets and reads the mark, hardens the process.
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/control.h"
#include "base/number.h"

#define STOPPED_MS 50

/* Read /proc/PID/leaf and end it with NUL.  *owner (owner may be NULL) = the file's uid. */
static ssize_t proc_read_file(pid_t pid, const char *leaf, char *buf, size_t size, uid_t *owner)
{
	char path[64];
	struct stat st;
	ssize_t r;
	int fd, saved;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, leaf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (owner && fstat(fd, &st) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	if (owner)
		*owner = st.st_uid;
	/* One read returns all of such a file that fits.  What is cut does not parse
	 * later, and that is an error. */
	do
		r = read(fd, buf, size - 1);
	while (r < 0 && errno == EINTR);
	saved = errno;
	close(fd);
	errno = saved;
	if (r < 0)
		return -1;
	buf[r] = '\0';
	return r;
}

int proc_stat(pid_t pid, struct proc_stat *out)
{
	char buf[2048], *open_paren, *close_paren;
	unsigned long long start;
	size_t n;
	int ppid, pgrp, sid, tty, tpgid;
	char state;

	memset(out, 0, sizeof(*out));
	if (proc_read_file(pid, "stat", buf, sizeof(buf), &out->owner) < 0)
		return -1;
	/* The name may contain ")": the last one ends it. */
	open_paren = strchr(buf, '(');
	close_paren = strrchr(buf, ')');
	if (!open_paren || !close_paren || close_paren < open_paren)
		goto bad;
	n = (size_t)(close_paren - open_paren - 1);
	if (n >= sizeof(out->comm))
		n = sizeof(out->comm) - 1;
	memcpy(out->comm, open_paren + 1, n);
	out->comm[n] = '\0';
	/* After the name: state (3) ppid (4) pgrp (5) session (6) tty_nr (7) tpgid (8) ...
	 * starttime (22). */
	if (sscanf(close_paren + 1,
		   " %c %d %d %d %d %d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
		   "%llu",
		   &state, &ppid, &pgrp, &sid, &tty, &tpgid, &start) != 7)
		goto bad;
	out->state = state;
	out->ppid = (pid_t)ppid;
	out->start = start;
	out->sid = (pid_t)sid;
	out->tty = (unsigned)tty;
	out->foreground = tty != 0 && pgrp == tpgid;
	return 0;
bad:
	errno = EPROTO;
	return -1;
}

/* "CCRN".  Any finite value is a mark; this one tells who set it. */
#define MARK ((rlim_t)0x4343524e)

/* *hard: its hard RLIMIT_LOCKS.  0, or -1 with errno. */
static int proc_read_locks(pid_t pid, rlim_t *hard)
{
	static const char key[] = "Max file locks";
	char buf[4096], first[32], second[32], *line;
	unsigned long n;
	struct rlimit r;

	/* prlimit(2) is faster than having sixteen limits formatted.  The kernel allows
	 * it for a process with the same uids and gids, undumpable or not. */
	if (prlimit(pid, RLIMIT_LOCKS, NULL, &r) == 0) {
		*hard = r.rlim_max;
		return 0;
	}
	if (proc_read_file(pid, "limits", buf, sizeof(buf), NULL) < 0)
		return -1;
	line = strstr(buf, key);
	if (!line || sscanf(line + sizeof(key) - 1, " %31s %31s", first, second) != 2) {
		errno = EPROTO;
		return -1;
	}
	*hard = RLIM_INFINITY;
	if (strcmp(second, "unlimited") == 0)
		return 0;
	*hard = number_parse(second, 0, ULONG_MAX - 1, &n) ? (rlim_t)n : 0;
	return 0;
}

int proc_marked(pid_t pid)
{
	rlim_t hard;

	return proc_read_locks(pid, &hard) == 0 ? hard != RLIM_INFINITY : -1;
}

bool proc_mark_is_foreign(pid_t pid)
{
	rlim_t hard;

	return proc_read_locks(pid, &hard) == 0 && hard != RLIM_INFINITY && hard != MARK;
}

/* The number behind "\nKey:" in the text of /proc/PID/status; -1 with errno. */
static int status_number(const char *status, const char *key)
{
	const char *line = strstr(status, key);
	int n;

	/* What cannot be understood must not read as 0: nobody, nothing. */
	if (!line || sscanf(line + strlen(key), " %d", &n) != 1 || n < 0) {
		errno = EPROTO;
		return -1;
	}
	return n;
}

pid_t proc_tracer(pid_t pid)
{
	char status[4096];

	if (proc_read_file(pid, "status", status, sizeof(status), NULL) < 0)
		return -1;
	return status_number(status, "\nTracerPid:");
}

int proc_ignores(pid_t pid, int sig)
{
	char status[32768]; /* what is wanted stands behind the list of groups */
	unsigned long long ignored;
	const char *line;

	if (proc_read_file(pid, "status", status, sizeof(status), NULL) < 0)
		return -1;
	line = strstr(status, "\nSigIgn:");
	if (!line || sscanf(line, "\nSigIgn: %llx", &ignored) != 1) {
		errno = EPROTO;
		return -1;
	}
	return ignored >> (sig - 1) & 1;
}

/* linux/seccomp.h, which musl does not have. */
#define SECCOMP_MODE_FILTER 2

int proc_confined(pid_t pid)
{
	char status[32768]; /* what is wanted stands behind the list of groups */
	int mode, no_new_privs;

	if (proc_read_file(pid, "status", status, sizeof(status), NULL) < 0)
		return -1;
	/* A kernel that was built without seccomp has no such line. */
	mode = strstr(status, "\nSeccomp:") ? status_number(status, "\nSeccomp:") : 0;
	no_new_privs = status_number(status, "\nNoNewPrivs:");
	if (mode < 0 || no_new_privs < 0)
		return -1;
	return mode == SECCOMP_MODE_FILTER && no_new_privs == 1;
}

int proc_link(pid_t pid, const char *leaf, char *out, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, leaf);
	n = readlink(path, out, size - 1);
	if (n < 0)
		return -1;
	out[n] = '\0';
	return 0;
}

#define NAMESPACE_TEXT 64 /* "user:[4026531837]" */

/* mine: a cache, empty at first.  Our own namespaces do not change (no setns(2)). */
static int namespace_is_same(pid_t pid, const char *leaf, char mine[NAMESPACE_TEXT],
			     int (*read_link)(pid_t, const char *, char *, size_t))
{
	char theirs[NAMESPACE_TEXT];

	if (!mine[0] && proc_link(getpid(), leaf, mine, NAMESPACE_TEXT) != 0) {
		mine[0] = '\0';
		return -1;
	}
	if (read_link(pid, leaf, theirs, sizeof(theirs)) != 0)
		return -1;
	return strcmp(mine, theirs) == 0;
}

/*
 * The same for an undumpable process, whose /proc/PID/ns cannot be read (an installed
 * ccrun is undumpable from its first instruction).  NSpid in its status has one PID
 * if it is in the PID namespace of this /proc, and one more for each nested one; a
 * nested user namespace has another uid_map (only root could give it the same).
 */
static int namespaces_same_by_status(pid_t pid)
{
	char status[4096], mine[512], theirs[512], *line;
	int outer, inner, n;

	if (proc_read_file(pid, "status", status, sizeof(status), NULL) < 0 ||
	    proc_read_file(getpid(), "uid_map", mine, sizeof(mine), NULL) < 0 ||
	    proc_read_file(pid, "uid_map", theirs, sizeof(theirs), NULL) < 0)
		return -1;
	line = strstr(status, "\nNSpid:");
	n = line ? sscanf(line, "\nNSpid: %d%*[ \t]%d", &outer, &inner) : 0;
	if (n < 1 || mine[0] == '\0') {
		errno = EPROTO;
		return -1;
	}
	return n == 1 && outer == (int)pid && strcmp(mine, theirs) == 0;
}

int proc_same_namespaces(pid_t pid, int (*read_link)(pid_t, const char *, char *, size_t))
{
	static char own_user[NAMESPACE_TEXT], own_pid[NAMESPACE_TEXT];
	int user = namespace_is_same(pid, "ns/user", own_user, read_link);

	if (user < 0 && errno == EACCES)
		return namespaces_same_by_status(pid);
	return user == 1 ? namespace_is_same(pid, "ns/pid", own_pid, read_link) : user;
}

bool proc_keep_pidfd(int fd)
{
	struct stat st;

	/* Signal 0 can be sent to a pidfd, but also to a descriptor of /proc/PID: no
	 * directories. */
	return fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode) &&
	       (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0 || errno == ESRCH ||
		errno == EPERM) &&
	       fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int proc_mark_self(void)
{
	struct rlimit r = { MARK, MARK };

	if (proc_self_marked())
		return 0;
	return setrlimit(RLIMIT_LOCKS, &r);
}

int proc_self_marked(void)
{
	struct rlimit r;

	/* If it cannot be read, assume the mark: fail closed. */
	if (getrlimit(RLIMIT_LOCKS, &r) != 0)
		return 1;
	return r.rlim_max != RLIM_INFINITY;
}

int proc_harden_self(void)
{
	struct rlimit r = { 0, 0 };

	if (!control_active(CONTROL_HARDENED))
		return 0;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &r) != 0)
		return -1;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 || getrlimit(RLIMIT_CORE, &r) != 0 ||
	    r.rlim_max != 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

static volatile sig_atomic_t forward_to;
static void (*mend_after_kill)(void);
static void (*do_before_waiting)(void);

static void forward_signal(int sig)
{
	if (forward_to > 0)
		kill((pid_t)forward_to, sig);
}

/* musl has no header for it: _LINUX_CAPABILITY_VERSION_3, three sets of 64 bits. */
static void drop_capabilities(void)
{
	const uint32_t head[2] = { 0x20080522, 0 }, none[6] = { 0 };

	syscall(SYS_capset, head, none);
}

/*
 * The child stands still.  What stops a job stops us with it, and continues both; who stops the
 * child alone has its terminal meanwhile, and no shell tells.
 */
static void child_continue(pid_t child)
{
	struct proc_stat st;

	/* A job that was just continued, and the child not yet. */
	poll(NULL, 0, STOPPED_MS);
	if (proc_stat(child, &st) == 0 && st.state == 'T')
		kill(child, SIGCONT);
}

/* Wait for the child and exit with its status, or die of the same signal. */
static void __attribute__((noreturn)) exit_like_child(pid_t child)
{
	int status;

	for (;;) {
		if (waitpid(child, &status, mend_after_kill ? WUNTRACED : 0) < 0) {
			if (errno != EINTR)
				_exit(1);
		} else if (WIFSTOPPED(status)) {
			child_continue(child);
		} else {
			break;
		}
	}
	if (WIFSIGNALED(status)) {
		if (mend_after_kill)
			mend_after_kill();
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

void proc_on_killed(void (*mend)(void))
{
	mend_after_kill = mend;
}

void proc_on_waiting(void (*first)(void))
{
	do_before_waiting = first;
}

int proc_fork_hardened(bool stay)
{
	static const int passed[] = { SIGTERM, SIGHUP };
	pid_t child, self = getpid();
	sigset_t blocked, before;
	unsigned i;

	if (proc_harden_self() != 0)
		return -1;
	if (proc_tracer(self) != 0) {
		errno = EPERM;
		return -1;
	}
	if (!control_active(CONTROL_FRESH_MEMORY))
		return 0;
	/* A signal that comes before we pass it on waits until we do. */
	sigemptyset(&blocked);
	for (i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		sigaddset(&blocked, passed[i]);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	child = fork();
	if (child <= 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	if (child < 0)
		return -1;
	if (child == 0) {
		/* A tracer with PTRACE_O_TRACEFORK is attached to the child by now. */
		if (proc_tracer(getpid()) != 0) {
			errno = EPERM;
			return -1;
		}
		if (stay)
			prctl(PR_SET_PDEATHSIG, SIGTERM);
		return 0;
	}
	if (!stay)
		_exit(0);
	forward_to = child;
	/* It only waits from here on: it needs no capabilities. */
	if (getuid() != 0)
		drop_capabilities();
	for (i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		signal(passed[i], forward_signal);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	if (do_before_waiting)
		do_before_waiting();
	exit_like_child(child);
}
