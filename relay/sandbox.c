/*
 * relay/sandbox.c - the cage of ccrun-relay.
 */
#include "relay/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/fail.h"
#include "base/landlock.h"
#include "base/proc.h"

/* The system's directories, and where certificates and resolv.conf may link to. */
static const char *const readable[] = {
	"/etc",
	"/usr",
	"/lib",
	"/lib64",
	"/var/lib/ca-certificates",
	"/nix/store",
	"/gnu/store",
	"/run/systemd/resolve",
	"/run/NetworkManager",
	"/run/resolvconf",
	"/run/nscd",
	"/dev/null",
	"/dev/urandom",
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/ssl/certs/ca-certificates.crt",
};

/*
 * What nothing here needs, and what an attacker in here would like.  A list of what is
 * allowed would break with each release of libcurl, OpenSSL and glibc's resolver.
 */
static const int denied[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(kcmp),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(kexec_load),
};

/* Threads are made by clone; a namespace is not, and clone3 hides what it is asked. */
static int filter_deny_namespaces(scmp_filter_ctx ctx)
{
	static const unsigned flags[] = { CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
					  CLONE_NEWIPC,	 CLONE_NEWUTS, CLONE_NEWCGROUP };
	unsigned i;
	int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	for (i = 0; r == 0 && i < sizeof(flags) / sizeof(flags[0]); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
	return r;
}

static int filter_load(struct failure *f)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	unsigned i;
	int r = -ENOMEM;

	if (!ctx)
		goto out;
	for (i = 0, r = 0; r == 0 && i < sizeof(denied) / sizeof(denied[0]); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
	if (r == 0)
		r = filter_deny_namespaces(ctx);
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

int relay_sandbox_enter(const uint16_t *ports, size_t count, struct failure *f)
{
	const struct landlock_rules rules = {
		.readable = readable,
		.readable_count = sizeof(readable) / sizeof(readable[0]),
		.ports = ports,
		.port_count = count,
		.limit_ports = true,
		.scope_sockets = true,
	};
	const struct rlimit nothing = { 0, 0 };

	if (proc_mark_self() != 0 || setrlimit(RLIMIT_FSIZE, &nothing) != 0 ||
	    setrlimit(RLIMIT_CORE, &nothing) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail_errno(f, NULL, "cannot restrict this process");
	if (landlock_restrict(&rules) != 0)
		return fail_errno(f, NULL, "the kernel refuses the Landlock rules");
	return filter_load(f);
}
