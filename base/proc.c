/*
 * base/proc.c - what /proc says of a process, and the mark.
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
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

/* Read a small /proc/PID file; owner (may be NULL) gets its uid. */
static ssize_t read_small(pid_t pid, const char *leaf, char *buf, size_t size, uid_t *owner)
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
	/* These files come whole in one read when there is room for them; what
	 * were cut would not parse, and that is an error. */
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
	int ppid;
	char state;

	memset(out, 0, sizeof(*out));
	if (read_small(pid, "stat", buf, sizeof(buf), &out->owner) < 0)
		return -1;
	/* The name may hold anything, ") " included: the last one ends it. */
	open_paren = strchr(buf, '(');
	close_paren = strrchr(buf, ')');
	if (!open_paren || !close_paren || close_paren < open_paren)
		goto bad;
	n = (size_t)(close_paren - open_paren - 1);
	if (n >= sizeof(out->comm))
		n = sizeof(out->comm) - 1;
	memcpy(out->comm, open_paren + 1, n);
	out->comm[n] = '\0';
	/* After the name: state (3) ppid (4) ... starttime (22). */
	if (sscanf(close_paren + 1,
		   " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   &state, &ppid, &start) != 3)
		goto bad;
	out->state = state;
	out->ppid = (pid_t)ppid;
	out->start = start;
	return 0;
bad:
	errno = EPROTO;
	return -1;
}

int proc_marked(pid_t pid)
{
	static const char key[] = "Max file locks";
	char buf[4096], soft[32], hard[32], *line;
	struct rlimit r;

	/* The same answer without formatting sixteen limits; the kernel gives it
	 * to a caller with the same uids and gids, dumpable or not. */
	if (prlimit(pid, RLIMIT_LOCKS, NULL, &r) == 0)
		return r.rlim_max != RLIM_INFINITY;
	if (read_small(pid, "limits", buf, sizeof(buf), NULL) < 0)
		return -1;
	line = strstr(buf, key);
	if (!line || sscanf(line + sizeof(key) - 1, " %31s %31s", soft, hard) != 2) {
		errno = EPROTO;
		return -1;
	}
	return strcmp(hard, "unlimited") != 0;
}

pid_t proc_tracer(pid_t pid)
{
	char buf[4096], *line;

	if (read_small(pid, "status", buf, sizeof(buf), NULL) < 0)
		return -1;
	line = strstr(buf, "\nTracerPid:");
	if (!line) {
		errno = EPROTO;
		return -1;
	}
	return (pid_t)atoi(line + sizeof("\nTracerPid:") - 1);
}

/* Our own namespaces do not change (nobody here calls setns): looked up once. */
static int same_namespace(pid_t pid, const char *kind, struct stat *mine)
{
	struct stat theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	if (mine->st_ino == 0 && stat(path, mine) != 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	if (stat(path, &theirs) != 0)
		return -1;
	return mine->st_dev == theirs.st_dev && mine->st_ino == theirs.st_ino;
}

/*
 * The same question for a process whose links we may not follow, because it is
 * undumpable (an installed ccrun is, from its first instruction): its status
 * has one pid where it lives in the pid namespace of this /proc, one more for
 * each namespace further in; and a user namespace further in has another map
 * (only root can give it the one that its parent has).
 */
static int same_by_contents(pid_t pid)
{
	char status[4096], mine[512], theirs[512], *line;
	int outer, inner, n;

	if (read_small(pid, "status", status, sizeof(status), NULL) < 0 ||
	    read_small(getpid(), "uid_map", mine, sizeof(mine), NULL) < 0 ||
	    read_small(pid, "uid_map", theirs, sizeof(theirs), NULL) < 0)
		return -1;
	line = strstr(status, "\nNSpid:");
	n = line ? sscanf(line, "\nNSpid: %d%*[ \t]%d", &outer, &inner) : 0;
	if (n < 1 || mine[0] == '\0') {
		errno = EPROTO;
		return -1;
	}
	return n == 1 && outer == (int)pid && strcmp(mine, theirs) == 0;
}

int proc_same_namespaces(pid_t pid)
{
	static struct stat own_user, own_pid;
	int user = same_namespace(pid, "user", &own_user);

	if (user < 0 && errno == EACCES)
		return same_by_contents(pid);
	return user == 1 ? same_namespace(pid, "pid", &own_pid) : user;
}

int proc_exe(pid_t pid, char *out, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, out, size - 1);
	if (n < 0)
		return -1;
	out[n] = '\0';
	return 0;
}

/* "CCRN": any finite value marks, this one says who set it. */
#define MARK ((rlim_t)0x4343524e)

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

	/* A limit that cannot be read counts as a mark: fail closed. */
	if (getrlimit(RLIMIT_LOCKS, &r) != 0)
		return 1;
	return r.rlim_max != RLIM_INFINITY;
}

int proc_harden_self(void)
{
	struct rlimit r = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &r) != 0)
		return -1;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 || getrlimit(RLIMIT_CORE, &r) != 0 ||
	    r.rlim_max != 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

static volatile sig_atomic_t waited_for;

static void pass_on(int sig)
{
	if (waited_for > 0)
		kill((pid_t)waited_for, sig);
}

/* Whoever only waits needs no power that its start came with.  (musl's headers
 * know of no capabilities: _LINUX_CAPABILITY_VERSION_3, three sets of 64 bits.) */
static void drop_capabilities(void)
{
	const uint32_t head[2] = { 0x20080522, 0 }, none[6] = { 0 };

	syscall(SYS_capset, head, none);
}

/* End as the child ends; a terminal's own signals reach it without us. */
static void __attribute__((noreturn)) end_with(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			_exit(1);
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int proc_fork_hardened(bool stay)
{
	static const int passed[] = { SIGTERM, SIGHUP };
	pid_t child, self = getpid();
	unsigned i;

	if (proc_harden_self() != 0)
		return -1;
	if (proc_tracer(self) != 0) {
		errno = EPERM;
		return -1;
	}
	child = fork();
	if (child < 0)
		return -1;
	if (child == 0) {
		/* A tracer that follows forks shows itself here. */
		if (proc_tracer(getpid()) != 0)
			_exit(1);
		if (stay)
			prctl(PR_SET_PDEATHSIG, SIGTERM);
		return 0;
	}
	if (!stay)
		_exit(0);
	waited_for = child;
	if (getuid() != 0)
		drop_capabilities();
	for (i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		signal(passed[i], pass_on);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	end_with(child);
}
