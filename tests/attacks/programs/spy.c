/*
 * spy - everything that one process can try on another of the same user; one
 * line each, name=OK or name=ERRNO.
 *
 *   spy look PID      ptrace, process_vm_readv, pidfd_getfd, files of /proc/PID
 *   spy dump PID      its memory on standard output
 *   spy session       the pid of the nearest ancestor that holds a session
 *   spy fds           what this process's own sockets are connected to
 *   spy unmark        raise RLIMIT_LOCKS
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *name, int ok)
{
	printf("%s=%s\n", name, ok ? "OK" : strerrorname_np(errno));
}

static void traces(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_ATTACH, pid, 0, 0) == 0) {
		waitpid(pid, &status, __WALL);
		ptrace(PTRACE_DETACH, pid, 0, 0);
		say("attach", 1);
	} else {
		say("attach", 0);
	}
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
		say("seize", 1);
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		waitpid(pid, &status, __WALL);
		ptrace(PTRACE_DETACH, pid, 0, 0);
	} else {
		say("seize", 0);
	}
}

/* The first readable address, or one that is nowhere: EPERM comes before EFAULT. */
static unsigned long somewhere(pid_t pid)
{
	unsigned long at = 4096;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%lx", &at) != 1)
		at = 4096;
	if (f)
		fclose(f);
	return at;
}

static void memory(pid_t pid)
{
	char buf[16];
	struct iovec mine = { buf, sizeof(buf) }, its = { (void *)somewhere(pid), sizeof(buf) };

	say("readv", process_vm_readv(pid, &mine, 1, &its, 1, 0) == sizeof(buf));
	its.iov_base = (void *)4096;
	errno = 0;
	process_vm_writev(pid, &mine, 1, &its, 1, 0);
	say("writev", errno == EFAULT);
}

static void descriptors(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd, got = 0, error = 0;

	for (fd = 0; fd < 256; fd++) {
		if (syscall(SYS_pidfd_getfd, pidfd, fd, 0) >= 0)
			got++;
		else if (errno != EBADF)
			error = errno;
	}
	errno = error;
	say("getfd", got > 0);
}

static void files(pid_t pid)
{
	static const char *const names[] = { "mem",  "environ",	  "maps",    "smaps", "pagemap",
					     "auxv", "stack",	  "syscall", "io",    "timers",
					     "task", "map_files", "fd",	     "fdinfo" };
	char path[128], text[256];
	unsigned i;
	ssize_t n;
	int fd;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
		fd = open(path, O_RDONLY);
		/* Some check at open, some at read; a directory at readdir. */
		n = fd < 0 ? -1 : read(fd, text, sizeof(text));
		if (fd >= 0 && n < 0 && errno == EISDIR)
			n = syscall(SYS_getdents64, fd, text, sizeof(text));
		if (fd >= 0 && strcmp(names[i], "mem") == 0)
			n = 0; /* nothing is mapped at 0 */
		say(names[i], fd >= 0 && n >= 0);
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d/mem", pid, pid);
	say("thread-mem", open(path, O_RDONLY) >= 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	say("mem-write", open(path, O_RDWR) >= 0);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	say("exe", readlink(path, text, sizeof(text)) > 0);
}

static int dump(pid_t pid)
{
	unsigned long low, high;
	static char line[4096], page[1 << 16];
	char perms[8];
	FILE *maps;
	ssize_t n;
	int mem;

	snprintf(line, sizeof(line), "/proc/%d/maps", pid);
	maps = fopen(line, "r");
	snprintf(line, sizeof(line), "/proc/%d/mem", pid);
	mem = open(line, O_RDONLY);
	if (!maps || mem < 0)
		return 1;
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &low, &high, perms) != 3 || perms[0] != 'r')
			continue;
		while (low < high && (n = pread(mem, page, sizeof(page), (off_t)low)) > 0) {
			if (fwrite(page, 1, (size_t)n, stdout) != (size_t)n)
				return 1;
			low += (unsigned long)n;
		}
	}
	return 0;
}

static int parent_of(int pid, uid_t *owner)
{
	char path[64], text[512], *end;
	struct stat st;
	int ppid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	fstat(fileno(f), &st);
	*owner = st.st_uid;
	if (fgets(text, sizeof(text), f) && (end = strrchr(text, ')')))
		sscanf(end + 2, "%*c %d", &ppid);
	fclose(f);
	return ppid;
}

/* The nearest ancestor that is undumpable. */
static int session_of(void)
{
	uid_t owner;
	int pid = getppid(), next;

	while (pid > 1) {
		next = parent_of(pid, &owner);
		if (owner == 0 && getuid() != 0) {
			printf("%d\n", pid);
			return 0;
		}
		pid = next;
	}
	return 1;
}

static int own_sockets(void)
{
	struct sockaddr_un sa;
	struct ucred cred;
	socklen_t n;
	int fd;

	for (fd = 0; fd < 1024; fd++) {
		n = sizeof(sa);
		memset(&sa, 0, sizeof(sa));
		if (getpeername(fd, (struct sockaddr *)&sa, &n) != 0)
			continue;
		n = sizeof(cred);
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
			cred.pid = 0;
		printf("socket%d=%s pid %d\n", fd, sa.sun_family == AF_UNIX ? sa.sun_path : "?",
		       cred.pid);
	}
	return 0;
}

static int unmark(void)
{
	struct rlimit r = { RLIM_INFINITY, RLIM_INFINITY }, now;

	say("setrlimit", setrlimit(RLIMIT_LOCKS, &r) == 0);
	say("prlimit", prlimit(0, RLIMIT_LOCKS, &r, NULL) == 0);
	say("prlimit-parent", prlimit(getppid(), RLIMIT_LOCKS, &r, NULL) == 0);
	getrlimit(RLIMIT_LOCKS, &now);
	printf("marked=%d\n", now.rlim_max != RLIM_INFINITY);
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid = argc > 2 ? atoi(argv[2]) : 0;

	if (argc > 2 && strcmp(argv[1], "look") == 0) {
		traces(pid);
		memory(pid);
		descriptors(pid);
		files(pid);
		return 0;
	}
	if (argc > 2 && strcmp(argv[1], "dump") == 0)
		return dump(pid);
	if (argc > 1 && strcmp(argv[1], "session") == 0)
		return session_of();
	if (argc > 1 && strcmp(argv[1], "fds") == 0)
		return own_sockets();
	if (argc > 1 && strcmp(argv[1], "unmark") == 0)
		return unmark();
	return 2;
}
