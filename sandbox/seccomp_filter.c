/*
 * sandbox/seccomp_filter.c - a table of system calls as a seccomp filter.
 */
#include "sandbox/seccomp_filter.h"

#include <errno.h>

#include "base/fail.h"

#if defined(__x86_64__)
#define ARCH_32 SCMP_ARCH_X86
#elif defined(__aarch64__)
#define ARCH_32 SCMP_ARCH_ARM
#else
#error "which 32-bit programs does this machine run?"
#endif

static int filter_add(scmp_filter_ctx ctx, const struct seccomp_rule *rules, size_t count)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < count; i++)
		r = seccomp_rule_add_array(ctx, rules[i].action, rules[i].call, rules[i].args,
					   rules[i].arg);
	return r;
}

int seccomp_filter_enter(uint32_t otherwise, const struct seccomp_rule *rules, size_t count,
			 struct failure *f)
{
	scmp_filter_ctx ctx = seccomp_init(otherwise);
	int r = ctx ? filter_add(ctx, rules, count) : -ENOMEM;

	if (r == 0)
		r = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	if (r == 0)
		return 0;
	errno = -r;
	return fail_errno(f, "a kernel with CONFIG_SECCOMP_FILTER",
			  "cannot enter the seccomp sandbox");
}

int seccomp_filter_write(int fd, const struct seccomp_rule *rules, size_t count, struct failure *f)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r = ctx ? seccomp_arch_add(ctx, ARCH_32) : -ENOMEM;

	/* What is left has no kernel that runs it (x32 without syscall.x32=y): as there. */
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	/* A tree of comparisons: the kernel runs the filter for every number when it is loaded. */
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = filter_add(ctx, rules, count);
	if (r == 0)
		r = seccomp_export_bpf(ctx, fd);
	if (ctx)
		seccomp_release(ctx);
	if (r == 0)
		return 0;
	errno = -r;
	return fail_errno(f, NULL, "cannot write a seccomp filter");
}
