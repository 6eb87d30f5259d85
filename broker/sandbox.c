/*
 * broker/sandbox.c - the seccomp filter of the serving broker, by libseccomp.
 */
#include "broker/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/fail.h"

/* The calls of a broker that serves, by purpose. */
static const int allowed[] = {
	/* the loop and its clients */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(accept4),
	SCMP_SYS(recvmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt), SCMP_SYS(shutdown), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(close),
	SCMP_SYS(fcntl), SCMP_SYS(pipe2), SCMP_SYS(pidfd_open),
	/* the vault, the audit log, /proc */
	SCMP_SYS(openat), SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(lseek),
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(statx),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(access), SCMP_SYS(flock), SCMP_SYS(ftruncate), SCMP_SYS(fsync),
	SCMP_SYS(fdatasync), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(rename),
	SCMP_SYS(linkat), SCMP_SYS(unlinkat), SCMP_SYS(unlink), SCMP_SYS(getdents64),
	/* memory, time, randomness, ending */
	SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect),
	SCMP_SYS(madvise), SCMP_SYS(munlock), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
	SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(geteuid),
	SCMP_SYS(getuid), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
	SCMP_SYS(futex), SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(tgkill), /* abort */
};

/* To add a tenant while serving: its directory, its locked region. */
static const int allowed_system[] = {
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(mlock),
	SCMP_SYS(pwrite64),
};

int sandbox_enter(bool system, struct failure *f)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	unsigned i;
	int r = -ENOMEM;

	if (!ctx)
		goto out;
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
		if (r != 0)
			goto out;
	}
	for (i = 0; system && i < sizeof(allowed_system) / sizeof(allowed_system[0]); i++) {
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed_system[i], 0);
		if (r != 0)
			goto out;
	}
	/* `status` asks for the broker's own posture; no other prctl. */
	r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
			     SCMP_A0(SCMP_CMP_EQ, PR_GET_DUMPABLE, 0));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
				     SCMP_A0(SCMP_CMP_EQ, PR_GET_SECCOMP, 0));
	/* Read limits, never set any: the third argument, the new limit, is NULL. */
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
				     SCMP_A2(SCMP_CMP_EQ, 0, 0));
	if (r == 0)
		r = seccomp_load(ctx);
out:
	if (ctx)
		seccomp_release(ctx);
	if (r == 0)
		return 0;
	errno = -r;
	return fail_errno(f, "a kernel with CONFIG_SECCOMP_FILTER",
			  "cannot enter the seccomp sandbox");
}
