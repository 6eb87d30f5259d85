/*
 * broker/sandbox.c - what the serving broker cannot do: Landlock rules, a seccomp filter.
 */
#include "broker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/paths.h"
#include "broker/broker.h"
#include "sandbox/landlock.h"
#include "sandbox/seccomp_filter.h"

#define ALLOW(name) SECCOMP_CALL(name, SCMP_ACT_ALLOW)
#define ALLOW_ONLY(name, index, value) \
	SECCOMP_CALL_IF(name, SCMP_ACT_ALLOW, index, UINT64_MAX, value)

/* The calls of a broker that serves, by purpose. */
static const struct seccomp_rule calls[] = {
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
	ALLOW(setitimer), /* no peer has it wait (base/sock.h) */
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

#define PATHS 12

static int landlock_version;

/* Files are replaced by new ones under the same name: rights on directories. */
#define STORE (LANDLOCK_READ | LANDLOCK_WRITE | LANDLOCK_MAKE | LANDLOCK_REMOVE)

static size_t list_own_paths(const struct broker *b, struct landlock_path *out, char *run)
{
	const struct tenant *t = &b->tenant[0];
	size_t n = 0;

	if (b->system)
		out[n++] = (struct landlock_path){ .path = SYSTEM_STATE_DIR,
						   .may = STORE | LANDLOCK_MAKE_DIR };
	if (!b->system)
		out[n++] = (struct landlock_path){ .fd = t->store.dir, .may = STORE };
	if (!b->system)
		out[n++] = (struct landlock_path){ .fd = t->audit.dir, .may = STORE };
	if (b->auto_unlock.credentials >= 0)
		out[n++] = (struct landlock_path){ .fd = b->auto_unlock.credentials,
						   .may = LANDLOCK_READ };
	/* Empty where a service manager listens, and removes the socket. */
	memcpy(run, b->socket, sizeof(b->socket));
	if (strrchr(run, '/')) {
		*strrchr(run, '/') = '\0';
		out[n++] = (struct landlock_path){ .path = run, .may = LANDLOCK_REMOVE };
	}
	return n;
}

static int enter_landlock(const struct broker *b, struct failure *f)
{
	/* The zone of the clock, which a traveller changes, and SUBORDINATE_UIDS. */
	static const char *const readable[] = { "/proc", "/etc", "/usr/share/zoneinfo",
						"/nix/store", "/gnu/store" };
	struct landlock_path paths[PATHS];
	struct landlock_rules rules = { .readable = readable,
					.readable_count = sizeof(readable) / sizeof(readable[0]),
					.paths = paths,
					.limit_ports = true,
					.scope_sockets = true };
	char run[sizeof(b->socket)];

	rules.path_count = list_own_paths(b, paths, run);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || landlock_restrict(&rules) != 0)
		return fail_errno(f, NULL, "cannot enter the Landlock sandbox");
	landlock_version = landlock_abi();
	if (landlock_version < 0)
		landlock_version = 0;
	return 0;
}

int sandbox_enter(const struct broker *b, struct failure *f)
{
	size_t count = sizeof(calls) / sizeof(calls[0]) - (b->system ? 0 : SYSTEM_RULES);

	if (control_active(CONTROL_BROKER_LANDLOCK) && enter_landlock(b, f) != 0)
		return -1;
	if (!control_active(CONTROL_BROKER_SECCOMP))
		return 0;
	return seccomp_filter_enter(SCMP_ACT_KILL_PROCESS, calls, count, f);
}

int sandbox_landlock(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Everybody may list it, but for Landlock. */
	if (fd < 0 && errno == EACCES)
		return landlock_version;
	if (fd >= 0)
		close(fd);
	return 0;
}
