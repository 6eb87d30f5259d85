/* tests/sandbox/test_session_filter.c - what no program of a session can do any more. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox/filter_load.h"
#include "sandbox/landlock.h"
#include "sandbox/session_filter.h"

#define HIGH 0xabcd000000000000ul /* bits that the kernel does not look at */

static pid_t outside;

/* Run it in a child; its exit status, or -1 when a signal ended it. */
static int in_child(int (*run)(void), bool filtered)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		/* Or cmocka goes on with the test in here: int $0x80 is a fault on some machines. */
		(void)signal(SIGSEGV, SIG_DFL);
		if (filtered && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
				 filter_load(&session_filter) != 0))
			_exit(250);
		_exit(run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The system calls and what they answer; each is harmless where it is allowed. */
struct call {
	const char *name;
	long number;
	unsigned long arg[5];
	bool privileged; /* it may be refused without the filter too */
};

static unsigned long limits[2] = { RLIM_INFINITY, RLIM_INFINITY };

#define ADDRESS(p) ((unsigned long)(uintptr_t)(p))

static const struct call denied[] = {
	{ "TIOCSTI", SYS_ioctl, { -1ul, TIOCSTI }, false },
	{ "TIOCSTI with bits above", SYS_ioctl, { -1ul, HIGH | TIOCSTI }, false },
	{ "TIOCSTI as a negative int", SYS_ioctl, { -1ul, 0xffffffff00000000ul | TIOCSTI }, false },
	{ "TIOCLINUX", SYS_ioctl, { -1ul, TIOCLINUX }, false },
	{ "TIOCLINUX with bits above", SYS_ioctl, { -1ul, HIGH | TIOCLINUX }, false },
	{ "F_SETOWN", SYS_fcntl, { -1ul, F_SETOWN, 1 }, false },
	{ "F_SETOWN with bits above", SYS_fcntl, { -1ul, HIGH | F_SETOWN, 1 }, false },
	{ "F_SETOWN_EX", SYS_fcntl, { -1ul, F_SETOWN_EX, 1 }, false },
	{ "F_SETSIG", SYS_fcntl, { -1ul, F_SETSIG, SIGKILL }, false },
	{ "F_SETSIG of 0", SYS_fcntl, { -1ul, HIGH | F_SETSIG, 0 }, false },
	{ "O_ASYNC", SYS_fcntl, { -1ul, F_SETFL, O_ASYNC }, false },
	{ "O_ASYNC among others", SYS_fcntl, { -1ul, F_SETFL, ~0u }, false },
	{ "O_ASYNC with bits above", SYS_fcntl, { -1ul, HIGH | F_SETFL, HIGH | O_ASYNC }, false },
	{ "FIOASYNC", SYS_ioctl, { -1ul, FIOASYNC }, false },
	{ "FIOASYNC with bits above", SYS_ioctl, { -1ul, HIGH | FIOASYNC }, false },
	{ "FIOSETOWN", SYS_ioctl, { -1ul, FIOSETOWN }, false },
	{ "FIOSETOWN with bits above", SYS_ioctl, { -1ul, HIGH | FIOSETOWN }, false },
	{ "SIOCSPGRP", SYS_ioctl, { -1ul, SIOCSPGRP }, false },
	{ "SIOCSPGRP with bits above", SYS_ioctl, { -1ul, HIGH | SIOCSPGRP }, false },
	{ "pidfd_getfd", SYS_pidfd_getfd, { -1ul }, false },
	{ "process_madvise", SYS_process_madvise, { -1ul }, false },
	{ "keyctl", SYS_keyctl, { -1ul }, false },
	{ "add_key", SYS_add_key, { 0 }, false },
	{ "request_key", SYS_request_key, { 0 }, false },
	{ "perf_event_open", SYS_perf_event_open, { 0 }, true },
	{ "bpf", SYS_bpf, { -1ul }, true },
	{ "userfaultfd", SYS_userfaultfd, { -1ul }, true },
	{ "io_uring_setup", SYS_io_uring_setup, { 0 }, true },
	{ "io_uring_enter", SYS_io_uring_enter, { -1ul }, false },
	{ "io_uring_register", SYS_io_uring_register, { -1ul }, false },
	{ "open_by_handle_at", SYS_open_by_handle_at, { -1ul }, true },
	{ "kexec_load", SYS_kexec_load, { 0, 1000 }, true },
	{ "kexec_file_load", SYS_kexec_file_load, { -1ul, -1ul }, true },
	{ "init_module", SYS_init_module, { 0 }, true },
	{ "finit_module", SYS_finit_module, { -1ul }, true },
	{ "delete_module", SYS_delete_module, { 0 }, true },
};

static long call_make(const struct call *c)
{
	errno = 0;
	return syscall(c->number, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4]);
}

/* 0, or 1 + the number of the first call that is not answered so. */
static int denied_answers(bool eperm)
{
	size_t i;

	for (i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		if (!eperm && denied[i].privileged)
			continue;
		if ((call_make(&denied[i]) == -1 && errno == EPERM) != eperm) {
			fprintf(stderr, "%s: %s\n", denied[i].name, strerror(errno));
			return 1 + (int)i;
		}
	}
	return 0;
}

static int all_refused(void)
{
	return denied_answers(true);
}

static int none_refused(void)
{
	return denied_answers(false);
}

static void test_calls(void **state)
{
	(void)state;
	if (!filter_supported())
		skip();
	assert_int_equal(in_child(none_refused, false), 0);
	assert_int_equal(in_child(all_refused, true), 0);
}

/* As on a kernel without it, so that programs go on by other means. */
static int asynchronous_reads_absent(void)
{
	unsigned long context = 0;

	return syscall(SYS_io_setup, 4, &context) == -1 && errno == ENOSYS ? 0 : 1;
}

static void test_asynchronous_reads(void **state)
{
	(void)state;
	if (!filter_supported())
		skip();
	assert_int_equal(in_child(asynchronous_reads_absent, true), 0);
}

/* Its own limits, and others' to look at. */
static int limits_inside(void)
{
	const unsigned long pid = (unsigned long)outside;
	unsigned long was[2];

	if (syscall(SYS_prlimit64, pid, RLIMIT_LOCKS, limits, NULL) != -1 || errno != EPERM)
		return 1;
	if (syscall(SYS_prlimit64, HIGH | pid, RLIMIT_LOCKS, limits, NULL) != -1 || errno != EPERM)
		return 2;
	if (syscall(SYS_prlimit64, pid, RLIMIT_LOCKS, HIGH, NULL) != -1 || errno != EPERM)
		return 3;
	if (syscall(SYS_prlimit64, pid, RLIMIT_LOCKS, NULL, was) != 0)
		return 4;
	if (syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, was) != 0 ||
	    syscall(SYS_prlimit64, 0, RLIMIT_CORE, was, NULL) != 0)
		return 5;
	return 0;
}

static int limits_outside(void)
{
	unsigned long was[2];

	return syscall(SYS_prlimit64, (unsigned long)outside, RLIMIT_LOCKS, NULL, was) == 0 &&
			       syscall(SYS_prlimit64, (unsigned long)outside, RLIMIT_LOCKS, was,
				       NULL) == 0
		       ? 0
		       : 1;
}

static void test_limits(void **state)
{
	(void)state;
	if (!filter_supported())
		skip();
	assert_int_equal(in_child(limits_outside, false), 0);
	assert_int_equal(in_child(limits_inside, true), 0);
}

/* What a session's programs do to themselves stays. */
static int own_inside(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_KILL, pid, NULL, NULL) != 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	errno = 0;
	if (ioctl(-1, TCGETS, &status) != -1 || errno != EBADF)
		return 2;
	errno = 0;
	return ioctl(-1, TIOCSTI + 1, &status) == -1 && errno == EBADF ? 0 : 3;
}

static void test_own(void **state)
{
	(void)state;
	if (!filter_supported())
		skip();
	assert_int_equal(in_child(own_inside, true), 0);
}

/* What else there is beside what has the kernel send SIGIO. */
static int descriptors_inside(void)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const int shown = O_ACCMODE | O_APPEND | O_NONBLOCK;
	int on = 1, fd = memfd_create("own", 0);

	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
	    (fcntl(fd, F_GETFL) & shown) != (O_RDWR | O_NONBLOCK))
		return 1;
	/* All flags but that one, and bits that the kernel does not look at. */
	if (syscall(SYS_fcntl, fd, HIGH | F_SETFL, HIGH | O_APPEND) != 0 ||
	    (fcntl(fd, F_GETFL) & shown) != (O_RDWR | O_APPEND) ||
	    fcntl(fd, F_SETFL, ~(O_ASYNC | O_DIRECT | O_NOATIME)) != 0)
		return 2;
	/* It is no flag of other commands'. */
	if (fcntl(fd, F_SETFD, O_ASYNC | FD_CLOEXEC) != 0 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
		return 3;
	if (fcntl(fd, F_SETLK, &whole) != 0 || fcntl(fd, F_GETOWN) != 0 ||
	    fcntl(fd, F_GETSIG) != 0 || ioctl(fd, FIONBIO, &on) != 0)
		return 4;
	return 0;
}

static void test_descriptors(void **state)
{
	(void)state;
	if (!filter_supported())
		skip();
	assert_int_equal(in_child(descriptors_inside, false), 0);
	assert_int_equal(in_child(descriptors_inside, true), 0);
}

#ifdef __x86_64__
/* A system call as a 32-bit program makes it. */
static long call_32(long number, unsigned long a, unsigned long b, unsigned long c)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

/* asm/unistd_32.h */
enum {
	GETPID_32 = 20,
	IOCTL_32 = 54,
	FCNTL_32 = 55,
	FCNTL64_32 = 221,
	ADD_KEY_32 = 286,
	PRLIMIT_32 = 340,
	GETFD_32 = 438
};

static int entry_32_is_there(void)
{
	return call_32(GETPID_32, 0, 0, 0) == getpid() ? 0 : 1;
}

/* Both calls of that name, with everything that has the kernel send SIGIO, answer so. */
static bool owners_32(long answer)
{
	static const long calls[] = { FCNTL_32, FCNTL64_32 };
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (call_32(calls[i], -1ul, F_SETOWN, 1) != answer ||
		    call_32(calls[i], -1ul, F_SETOWN_EX, 1) != answer ||
		    call_32(calls[i], -1ul, F_SETSIG, SIGKILL) != answer ||
		    call_32(calls[i], -1ul, F_SETFL, O_ASYNC | O_NONBLOCK) != answer ||
		    call_32(calls[i], -1ul, F_SETFL, O_NONBLOCK) != -EBADF ||
		    call_32(calls[i], -1ul, F_GETFL, O_ASYNC) != -EBADF)
			return false;
	return call_32(IOCTL_32, -1ul, FIOASYNC, 0) == answer &&
	       call_32(IOCTL_32, -1ul, FIOSETOWN, 0) == answer &&
	       call_32(IOCTL_32, -1ul, SIOCSPGRP, 0) == answer;
}

static int entry_32_outside(void)
{
	return call_32(IOCTL_32, -1ul, TIOCSTI, 0) == -EBADF &&
			       call_32(GETFD_32, -1ul, 0, 0) == -EBADF && owners_32(-EBADF)
		       ? 0
		       : 1;
}

static int entry_32_inside(void)
{
	if (call_32(GETPID_32, 0, 0, 0) != getpid())
		return 1;
	if (call_32(IOCTL_32, -1ul, TIOCSTI, 0) != -EPERM ||
	    call_32(IOCTL_32, -1ul, TIOCLINUX, 0) != -EPERM)
		return 2;
	if (call_32(IOCTL_32, -1ul, TCGETS, 0) != -EBADF)
		return 3;
	if (call_32(ADD_KEY_32, 0, 0, 0) != -EPERM || call_32(GETFD_32, -1ul, 0, 0) != -EPERM)
		return 4;
	if (call_32(PRLIMIT_32, (unsigned long)outside, RLIMIT_LOCKS, 4096) != -EPERM)
		return 5;
	return owners_32(-EPERM) ? 0 : 6;
}

static void test_32_bit_entry(void **state)
{
	(void)state;
	if (!filter_supported() || in_child(entry_32_is_there, false) != 0)
		skip();
	assert_int_equal(in_child(entry_32_outside, false), 0);
	assert_int_equal(in_child(entry_32_inside, true), 0);
}

/* x32's numbers have this bit; ioctl has one of its own there. */
static int entry_x32(void)
{
	errno = 0;
	if (syscall(0x40000000 + 514, -1ul, TIOCSTI, 0) != -1 || errno != ENOSYS)
		return 1;
	errno = 0;
	return syscall(0x40000000 + SYS_pidfd_getfd, -1ul, 0, 0) == -1 && errno == ENOSYS ? 0 : 2;
}

static void test_x32_entry(void **state)
{
	(void)state;
	if (!filter_supported())
		skip();
	assert_int_equal(in_child(entry_x32, true), 0);
}
#endif

/* ---- Landlock ---- */

static int scope_inside(void)
{
	pid_t child;
	int status;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || landlock_scope() != 0)
		return 1;
	if (kill(outside, 0) != -1 || errno != EPERM || kill(getppid(), SIGCONT) != -1)
		return 2;
	if (ptrace(PTRACE_SEIZE, outside, NULL, NULL) != -1 || errno != EPERM)
		return 3;
	if (access("/tmp", R_OK | W_OK) != 0)
		return 4;
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	if (ptrace(PTRACE_SEIZE, child, NULL, NULL) != 0 || kill(child, SIGKILL) != 0 ||
	    waitpid(child, &status, __WALL) != child)
		return 5;
	return 0;
}

static int scope_outside(void)
{
	return kill(outside, 0) == 0 ? 0 : 1;
}

static int scope_often(void)
{
	int i;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return 1;
	for (i = 0; i < 16; i++)
		if (landlock_scope() != 0)
			return 2;
	/* shim/confine.c goes on then. */
	return landlock_scope() == -1 && errno == E2BIG ? 0 : 3;
}

static void test_scope(void **state)
{
	(void)state;
	if (landlock_abi() < LANDLOCK_ABI_SCOPE)
		skip();
	assert_int_equal(in_child(scope_outside, false), 0);
	assert_int_equal(in_child(scope_inside, false), 0);
	assert_int_equal(in_child(scope_often, false), 0);
}

static int start_outside(void **state)
{
	(void)state;
	outside = fork();
	if (outside == 0) {
		pause();
		_exit(0);
	}
	return outside > 0 ? 0 : -1;
}

static int end_outside(void **state)
{
	(void)state;
	kill(outside, SIGKILL);
	waitpid(outside, NULL, 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),	     cmocka_unit_test(test_asynchronous_reads),
		cmocka_unit_test(test_limits),	     cmocka_unit_test(test_own),
		cmocka_unit_test(test_descriptors),
#ifdef __x86_64__
		cmocka_unit_test(test_32_bit_entry), cmocka_unit_test(test_x32_entry),
#endif
		cmocka_unit_test(test_scope),
	};

	return cmocka_run_group_tests(tests, start_outside, end_outside);
}
