/*
 * broker/sandbox.c - the seccomp filter of the serving broker, by libseccomp.
 */
#include "broker/sandbox.h"

#include <sys/prctl.h>

#include "base/control.h"
#include "sandbox/seccomp_filter.h"

#define ALLOW(name) SECCOMP_CALL(name, SCMP_ACT_ALLOW)
#define ALLOW_ONLY(name, index, value) \
	SECCOMP_CALL_IF(name, SCMP_ACT_ALLOW, index, UINT64_MAX, value)

/* The calls of a broker that serves, by purpose. */
static const struct seccomp_rule rules[] = {
	/* the loop and its clients */
	ALLOW(epoll_wait),
	ALLOW(epoll_pwait),
	ALLOW(epoll_ctl),
	ALLOW(accept4),
	ALLOW(recvmsg),
	ALLOW(recvfrom),
	ALLOW(sendmsg),
	ALLOW(getsockopt),
	ALLOW(setsockopt),
	ALLOW(shutdown),
	ALLOW(poll),
	ALLOW(ppoll),
	ALLOW(close),
	ALLOW(fcntl),
	ALLOW(pipe2),
	ALLOW(pidfd_open),
	/* the vault, the audit log, /proc */
	ALLOW(openat),
	ALLOW(read),
	ALLOW(pread64),
	ALLOW(write),
	ALLOW(lseek),
	ALLOW(fstat),
	ALLOW(newfstatat),
	ALLOW(stat),
	ALLOW(lstat),
	ALLOW(statx),
	ALLOW(readlink),
	ALLOW(readlinkat),
	ALLOW(faccessat),
	ALLOW(faccessat2),
	ALLOW(access),
	ALLOW(flock),
	ALLOW(ftruncate),
	ALLOW(fsync),
	ALLOW(fdatasync),
	ALLOW(renameat),
	ALLOW(renameat2),
	ALLOW(rename),
	ALLOW(linkat),
	ALLOW(unlinkat),
	ALLOW(unlink),
	ALLOW(getdents64),
	/* memory, time, randomness, ending */
	ALLOW(brk),
	ALLOW(mmap),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(mprotect),
	ALLOW(madvise),
	ALLOW(munlock),
	ALLOW(clock_gettime),
	ALLOW(gettimeofday),
	ALLOW(time),
	ALLOW(getrandom),
	ALLOW(getpid),
	ALLOW(gettid),
	ALLOW(geteuid),
	ALLOW(getuid),
	ALLOW(rt_sigreturn),
	ALLOW(rt_sigprocmask),
	ALLOW(rt_sigaction),
	ALLOW(futex),
	ALLOW(restart_syscall),
	ALLOW(exit),
	ALLOW(exit_group),
	ALLOW(tgkill), /* abort */
	/* `status` asks for the broker's own posture; no other prctl. */
	ALLOW_ONLY(prctl, 0, PR_GET_DUMPABLE),
	ALLOW_ONLY(prctl, 0, PR_GET_SECCOMP),
	/* Read limits, never set any: the third argument, the new limit, is NULL. */
	ALLOW_ONLY(prlimit64, 2, 0),
	/* The system broker's, to add a tenant while serving: its directory, its locked
	 * region.  Last, so that a user broker's table ends before them. */
	ALLOW(mkdir),
	ALLOW(mkdirat),
	ALLOW(mlock),
	ALLOW(pwrite64),
};

#define SYSTEM_RULES 4

int sandbox_enter(bool system, struct failure *f)
{
	size_t count = sizeof(rules) / sizeof(rules[0]) - (system ? 0 : SYSTEM_RULES);

	if (!control_active(CONTROL_BROKER_SECCOMP))
		return 0;
	return seccomp_filter_enter(SCMP_ACT_KILL_PROCESS, rules, count, f);
}
