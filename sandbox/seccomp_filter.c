/*
 * sandbox/seccomp_filter.c - a table of system calls as a seccomp filter.
 */
#include "sandbox/seccomp_filter.h"

#include <errno.h>
#include <string.h>

#include "base/fail.h"

/* Whose programs a machine's kernel runs: its own, and 32-bit ones. */
static const struct machine {
	const char *name;
	uint32_t own, narrow;
} machines[] = {
	{ "x86_64", SCMP_ARCH_X86_64, SCMP_ARCH_X86 },
	{ "aarch64", SCMP_ARCH_AARCH64, SCMP_ARCH_ARM },
};

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

static const struct machine *machine_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (strcmp(machines[i].name, name) == 0)
			return &machines[i];
	return NULL;
}

/* A new filter is for the machine that this program runs on. */
static int filter_set_machine(scmp_filter_ctx ctx, const struct machine *m)
{
	uint32_t here = seccomp_arch_native();
	int r = 0;

	if (m->own != here)
		r = seccomp_arch_add(ctx, m->own);
	if (r == 0 && m->narrow != here)
		r = seccomp_arch_add(ctx, m->narrow);
	if (r == 0 && here != m->own && here != m->narrow)
		r = seccomp_arch_remove(ctx, here);
	return r;
}

int seccomp_filter_write(int fd, const char *machine, const struct seccomp_rule *rules,
			 size_t count, struct failure *f)
{
	const struct machine *m = machine_find(machine);
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r = ctx ? 0 : -ENOMEM;

	if (!m)
		r = -EINVAL;
	if (r == 0)
		r = filter_set_machine(ctx, m);
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
	return fail_errno(f, NULL, "cannot write a seccomp filter for %s", machine);
}
