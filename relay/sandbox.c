/*
 * relay/sandbox.c - the cage of ccrun-relay.
 */
#include "relay/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/proc.h"
#include "sandbox/landlock.h"
#include "sandbox/network_files.h"
#include "sandbox/seccomp_filter.h"

/*
 * What nothing here needs, and what an attacker in here would like.  A list of what is
 * allowed would break with each release of libcurl, OpenSSL and glibc's resolver.
 */
#define DENY(name) SECCOMP_CALL(name, SCMP_ACT_ERRNO(EPERM))
/* Threads are made by clone; a namespace is not, and clone3 hides what it is asked. */
#define DENY_CLONE(flag) SECCOMP_CALL_IF(clone, SCMP_ACT_ERRNO(EPERM), 0, flag, flag)

static const struct seccomp_rule rules[] = {
	DENY(execve),
	DENY(execveat),
	DENY(ptrace),
	DENY(process_vm_readv),
	DENY(process_vm_writev),
	DENY(process_madvise),
	DENY(pidfd_getfd),
	DENY(kcmp),
	DENY(bpf),
	DENY(perf_event_open),
	DENY(userfaultfd),
	DENY(io_uring_setup),
	DENY(io_uring_enter),
	DENY(io_uring_register),
	DENY(mount),
	DENY(umount2),
	DENY(pivot_root),
	DENY(chroot),
	DENY(move_mount),
	DENY(open_tree),
	DENY(fsopen),
	DENY(fsconfig),
	DENY(fsmount),
	DENY(fspick),
	DENY(mount_setattr),
	DENY(unshare),
	DENY(setns),
	DENY(keyctl),
	DENY(add_key),
	DENY(request_key),
	DENY(open_by_handle_at),
	DENY(init_module),
	DENY(finit_module),
	DENY(kexec_load),
	SECCOMP_CALL(clone3, SCMP_ACT_ERRNO(ENOSYS)),
	DENY_CLONE(CLONE_NEWUSER),
	DENY_CLONE(CLONE_NEWNS),
	DENY_CLONE(CLONE_NEWPID),
	DENY_CLONE(CLONE_NEWNET),
	DENY_CLONE(CLONE_NEWIPC),
	DENY_CLONE(CLONE_NEWUTS),
	DENY_CLONE(CLONE_NEWCGROUP),
};

int relay_sandbox_enter(const uint16_t *ports, size_t count, struct failure *f)
{
	const struct landlock_rules files = {
		.readable = network_files,
		.readable_count = network_files_count,
		.ports = ports,
		.port_count = count,
		.limit_ports = true,
		.scope_sockets = true,
	};
	const struct rlimit nothing = { 0, 0 };

	if (proc_mark_self() != 0 || setrlimit(RLIMIT_FSIZE, &nothing) != 0 ||
	    setrlimit(RLIMIT_CORE, &nothing) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail_errno(f, NULL, "cannot restrict this process");
	if (control_active(CONTROL_RELAY_LANDLOCK) && landlock_restrict(&files) != 0)
		return fail_errno(f, NULL, "the kernel refuses the Landlock rules");
	if (!control_active(CONTROL_RELAY_SECCOMP))
		return 0;
	return seccomp_filter_enter(SCMP_ACT_ALLOW, rules, sizeof(rules) / sizeof(rules[0]), f);
}
