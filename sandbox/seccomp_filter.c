/*
 * sandbox/seccomp_filter.c - a table of system calls as a seccomp filter.
 */
#include "sandbox/seccomp_filter.h"

#include <errno.h>

#include "base/fail.h"

int seccomp_filter_enter(uint32_t otherwise, const struct seccomp_rule *rules, size_t count,
			 struct failure *f)
{
	scmp_filter_ctx ctx = seccomp_init(otherwise);
	size_t i;
	int r = ctx ? 0 : -ENOMEM;

	for (i = 0; r == 0 && i < count; i++)
		r = seccomp_rule_add_array(ctx, rules[i].action, rules[i].call, rules[i].args,
					   &rules[i].arg);
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
