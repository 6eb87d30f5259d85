/*
 * reach - what a program of a session can do to what is outside; one line each,
 * name=OK or name=ERRNO.
 *
 *   reach others PID          signals, limits, descriptors, keys, who is sent SIGIO
 *   reach group PGID          SIGKILL to a process group of this terminal's, by the kernel
 *   reach type TEXT           into the terminal, by each way in
 *   reach without WHAT CMD    run it on a kernel without landlock, or without seccomp
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void say(const char *name, int ok)
{
	printf("%s=%s\n", name, ok ? "OK" : strerrorname_np(errno));
}

/* What has the kernel signal a process when there is something to read; there is nothing here. */
static void owners(pid_t pid)
{
	struct f_owner_ex owner = { F_OWNER_PID, pid };
	int on = 1, fd = socket(AF_UNIX, SOCK_STREAM, 0);

	say("owner", fcntl(fd, F_SETOWN, pid) == 0);
	say("owner-ex", fcntl(fd, F_SETOWN_EX, &owner) == 0);
	say("owner-file", ioctl(fd, FIOSETOWN, &pid) == 0);
	say("owner-socket", ioctl(fd, SIOCSPGRP, &pid) == 0);
	say("owner-signal", fcntl(fd, F_SETSIG, SIGCONT) == 0);
	say("async", fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
	say("async-high", syscall(SYS_fcntl, fd, 0xabcd000000000000ul | F_SETFL, O_ASYNC) == 0);
	say("async-ioctl", ioctl(fd, FIOASYNC, &on) == 0);
	say("own-flags",
	    fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK) &&
		    fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && ioctl(fd, FIONBIO, &on) == 0);
	close(fd);
}

/* CVE-2026-72183: who is the first of a group when it makes that an owner was not held back by
   Landlock, and needs not stay in it. */
static int group(pid_t pgid)
{
	int pair[2];

	say("signal", kill(-pgid, SIGCONT) == 0);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || setpgid(0, pgid) != 0)
		return 1;
	say("owner-signal", fcntl(pair[0], F_SETSIG, SIGKILL) == 0);
	say("owner", fcntl(pair[0], F_SETOWN, -pgid) == 0);
	if (setpgid(0, 0) != 0)
		return 1;
	say("async", fcntl(pair[0], F_SETFL, O_ASYNC) == 0);
	say("written", write(pair[1], "x", 1) == 1);
	return 0;
}

static int others(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct rlimit now;

	say("ask", kill(pid, 0) == 0);
	say("kill", kill(pid, SIGCONT) == 0);
	say("tgkill", syscall(SYS_tgkill, pid, pid, SIGCONT) == 0);
	say("pidfd-signal", syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0) == 0);
	say("getfd", syscall(SYS_pidfd_getfd, pidfd, 0, 0) >= 0);
	say("seize", ptrace(PTRACE_SEIZE, pid, 0, 0) == 0);
	say("limits-read", prlimit(pid, RLIMIT_LOCKS, NULL, &now) == 0);
	say("limits", prlimit(pid, RLIMIT_LOCKS, &now, NULL) == 0);
	say("own-limits",
	    prlimit(0, RLIMIT_CORE, NULL, &now) == 0 && prlimit(0, RLIMIT_CORE, &now, NULL) == 0);
	say("keyring", syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -4, 0) >= 0);
	say("key", syscall(SYS_add_key, "user", "reach", "x", 1, -2) >= 0);
	owners(pid);
	return 0;
}

static int type_into(int tty, const char *name, unsigned long request, const char *text)
{
	const char *c;

	for (c = text; *c; c++)
		if (syscall(SYS_ioctl, tty, request, c) != 0)
			break;
	say(name, !*c);
	return !*c;
}

static int type(const char *text)
{
	int tty = open("/dev/tty", O_RDWR);

	if (!type_into(tty, "type", TIOCSTI, text))
		type_into(tty, "type-high", 0xabcd000000000000ul | TIOCSTI, text);
	type_into(tty, "newline", TIOCSTI, "\n");
	return 0;
}

/* Answer one system call as a kernel does that does not have it. */
static int without(int number, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "others") == 0)
		return others(atoi(argv[2]));
	if (argc > 2 && strcmp(argv[1], "group") == 0)
		return group(atoi(argv[2]));
	if (argc > 2 && strcmp(argv[1], "type") == 0)
		return type(argv[2]);
	if (argc > 3 && strcmp(argv[1], "without") == 0) {
		if (strcmp(argv[2], "seccomp") == 0 ? without(SYS_seccomp, EINVAL)
						    : without(SYS_landlock_create_ruleset, ENOSYS))
			return 3;
		execvp(argv[3], argv + 3);
	}
	return 2;
}
