/*
 * sandbox/generate/session_filter.c - the system calls that no program of a session may make;
 * prints them as sandbox/session_filter.c, for the build.  Its argument is the machine.
 *
 * Whatever such a program does to itself and to what it starts stays possible: debuggers,
 * namespaces, mounts.  Tracing others is Landlock's to refuse, which knows who is outside.
 * (Where the kernel has no such Landlock, refusing ptrace here would take debuggers and leak
 * checkers from programmers, and leave /proc/PID/mem, which does the same and is a file.)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fail.h"
#include "sandbox/seccomp_filter.h"
#include "sandbox/session_filter.h"

#define DENY(name) SECCOMP_CALL(name, SCMP_ACT_ERRNO(EPERM))
/* The kernel takes an unsigned int for request and command: bits above it change nothing. */
#define DENY_IOCTL(request) SECCOMP_CALL_IF(ioctl, SCMP_ACT_ERRNO(EPERM), 1, 0xffffffff, request)
/* 32-bit programs have two calls of it, which take the same commands. */
#define DENY_FCNTL(command)                                                    \
	SECCOMP_CALL_IF(fcntl, SCMP_ACT_ERRNO(EPERM), 1, 0xffffffff, command), \
		SECCOMP_CALL_IF(fcntl64, SCMP_ACT_ERRNO(EPERM), 1, 0xffffffff, command)
#define DENY_FCNTL_FLAG(command, flag)                                                          \
	SECCOMP_CALL_IF_FLAG(fcntl, SCMP_ACT_ERRNO(EPERM), 1, 0xffffffff, command, 2, flag),    \
		SECCOMP_CALL_IF_FLAG(fcntl64, SCMP_ACT_ERRNO(EPERM), 1, 0xffffffff, command, 2, \
				     flag)

static const struct seccomp_rule rules[] = {
	/* Typing into the terminal, for the shell that reads it after the session; pasting
	   into a virtual console. */
	DENY_IOCTL(TIOCSTI),
	DENY_IOCTL(TIOCLINUX),
	/* Signals that the kernel sends in one's place, SIGIO or any other, when there is
	   something to read: kernels with CVE-2026-72183 do not ask Landlock about a process
	   group that is to get them.  A terminal takes the group in its foreground, unasked, from
	   O_ASYNC alone. */
	DENY_FCNTL(F_SETOWN),
	DENY_FCNTL(F_SETOWN_EX),
	DENY_FCNTL(F_SETSIG),
	DENY_FCNTL_FLAG(F_SETFL, O_ASYNC),
	DENY_IOCTL(FIOASYNC),
	DENY_IOCTL(FIOSETOWN),
	DENY_IOCTL(SIOCSPGRP),
	/* Other processes' limits, and with them the mark (base/proc.h), which would have
	   their own launches refused.  One's own go with pid 0. */
	SECCOMP_CALL_IF_BOTH(prlimit64, SCMP_ACT_ERRNO(EPERM), 0, 2),
	/* Other processes' descriptors and memory. */
	DENY(pidfd_getfd),
	DENY(process_madvise),
	/* The kernel's keyrings are the user's: Kerberos' tickets, keys of file systems. */
	DENY(keyctl),
	DENY(add_key),
	DENY(request_key),
	/* What other programs do, and much of the kernel: few need them, and most holes by
	   which a program gets root were in them.  What io_uring does no filter sees. */
	DENY(perf_event_open),
	DENY(bpf),
	DENY(userfaultfd),
	DENY(io_uring_setup),
	DENY(io_uring_enter),
	DENY(io_uring_register),
	/* Asynchronous reads of a terminal, which inotify does not tell of (ccctl wants to know
	   who reads what a person types).  As on a kernel without. */
	SECCOMP_CALL(io_setup, SCMP_ACT_ERRNO(ENOSYS)),
	/* Files by their number, past the directories that lead to them; for root. */
	DENY(open_by_handle_at),
	/* Another kernel, or more of this one; for root. */
	DENY(kexec_load),
	DENY(kexec_file_load),
	DENY(init_module),
	DENY(finit_module),
	DENY(delete_module),
};

int main(int argc, char **argv)
{
	struct filter_instruction in;
	struct failure f = { 0 };
	int fd = memfd_create("filter", MFD_CLOEXEC);

	if (argc != 2) {
		fputs("usage: session_filter MACHINE\n", stderr);
		return 1;
	}
	if (fd < 0 ||
	    seccomp_filter_write(fd, argv[1], rules, sizeof(rules) / sizeof(rules[0]), &f) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0) {
		fail_print("session_filter", &f);
		return 1;
	}
	puts("/* Written by sandbox/generate. */\n"
	     "#include \"sandbox/session_filter.h\"\n\n"
	     "static const struct filter_instruction instructions[] = {");
	while (read(fd, &in, sizeof(in)) == sizeof(in))
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", in.code, in.jump_true, in.jump_false,
		       in.k);
	puts("};\n\n"
	     "const struct filter_program session_filter = {\n"
	     "\tsizeof(instructions) / sizeof(instructions[0]), instructions\n"
	     "};");
	return fflush(stdout) == 0 ? 0 : 1;
}
