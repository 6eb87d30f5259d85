/*
 * sandbox/deny_list.c - a seccomp filter for a program that links large libraries.
 */
#include "sandbox/deny_list.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/seccomp_filter.h"

#define DENY(name) SECCOMP_CALL(name, SCMP_ACT_ERRNO(EPERM))
/* Threads are made by clone; a namespace is not, and clone3 hides what it is asked. */
#define DENY_CLONE(flag) SECCOMP_CALL_IF(clone, SCMP_ACT_ERRNO(EPERM), 0, flag, flag)
/* Where argument number i is anything but `value`. */
#define DENY_UNLESS(name, i, value, why)                                          \
	{                                                                         \
		.call = SCMP_SYS(name), .action = SCMP_ACT_ERRNO(why), .args = 1, \
		.arg = { { (i), SCMP_CMP_NE, (scmp_datum_t)(value), 0 } }         \
	}

static const struct seccomp_rule always[] = {
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

static const struct seccomp_rule exec[] = { DENY(execve), DENY(execveat) };

static const struct seccomp_rule network[] = {
	DENY_UNLESS(socket, 0, AF_UNIX, EAFNOSUPPORT),
};

#define LISTS 4
#define RULES_MAX 64

_Static_assert(sizeof(always) / sizeof(always[0]) + 16 <= RULES_MAX, "all fit");

int deny_list_enter(unsigned also, struct failure *f)
{
	/* raise, abort and the cancelling of threads send to the own process. */
	const struct seccomp_rule signals[] = {
		DENY(kill),
		DENY(tkill),
		DENY(rt_sigqueueinfo),
		DENY(rt_tgsigqueueinfo),
		DENY(pidfd_send_signal),
		DENY_UNLESS(tgkill, 0, getpid(), EPERM),
	};
	const struct {
		const struct seccomp_rule *rules;
		size_t size;
		bool in;
	} lists[LISTS] = {
		{ always, sizeof(always), true },
		{ exec, sizeof(exec), also & DENY_EXEC },
		{ network, sizeof(network), also & DENY_NETWORK },
		{ signals, sizeof(signals), also & DENY_SIGNALS },
	};
	struct seccomp_rule all[RULES_MAX];
	size_t n = 0, i;

	for (i = 0; i < LISTS; i++) {
		if (!lists[i].in)
			continue;
		memcpy(all + n, lists[i].rules, lists[i].size);
		n += lists[i].size / sizeof(all[0]);
	}
	return seccomp_filter_enter(SCMP_ACT_ALLOW, all, n, f);
}
