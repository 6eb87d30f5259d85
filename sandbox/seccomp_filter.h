/*
 * sandbox/seccomp_filter.h - a table of system calls as a seccomp filter, by libseccomp.
 */
#ifndef SANDBOX_SECCOMP_FILTER_H
#define SANDBOX_SECCOMP_FILTER_H

#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

struct failure;

/* What is done about a call; args: how many of its arguments must be as `arg` says. */
struct seccomp_rule {
	int call;	 /* SCMP_SYS(...) */
	uint32_t action; /* SCMP_ACT_... */
	unsigned args;
	struct scmp_arg_cmp arg[2];
};

/* clang-format off */
/* Every call of this name. */
#define SECCOMP_CALL(name, act) { .call = SCMP_SYS(name), .action = (act) }
/* Those whose argument number i is `value` in the bits of `mask`. */
#define SECCOMP_CALL_IF(name, act, i, mask, value)           \
	{ .call = SCMP_SYS(name), .action = (act), .args = 1, \
	  .arg = { { (i), SCMP_CMP_MASKED_EQ, (mask), (value) } } }
/* Of these, those whose argument number k has `flag`, among others or not. */
#define SECCOMP_CALL_IF_FLAG(name, act, i, mask, value, k, flag) \
	{ .call = SCMP_SYS(name), .action = (act), .args = 2,     \
	  .arg = { { (i), SCMP_CMP_MASKED_EQ, (mask), (value) },  \
		   { (k), SCMP_CMP_MASKED_EQ, (flag), (flag) } } }
/* Those whose arguments number i and k are both not 0. */
#define SECCOMP_CALL_IF_BOTH(name, act, i, k)                \
	{ .call = SCMP_SYS(name), .action = (act), .args = 2, \
	  .arg = { { (i), SCMP_CMP_NE, 0, 0 }, { (k), SCMP_CMP_NE, 0, 0 } } }
/* clang-format on */

/*
 * Enter the filter: `otherwise` (SCMP_ACT_...) for every call that no rule is for.  It
 * holds for this process, what it starts, and for ever.  libseccomp sets
 * PR_SET_NO_NEW_PRIVS.  Returns 0, or -1 with f set.
 */
int seccomp_filter_enter(uint32_t otherwise, const struct seccomp_rule *rules, size_t count,
			 struct failure *f);

/*
 * Write the instructions of a filter that allows every call that no rule is for, for programs of
 * a machine (x86_64, aarch64), which need not be this one.  Unlike seccomp_filter_enter's, which
 * ends a process that calls the kernel as another machine's program would, it holds for the
 * machine's 32-bit programs too.  0, or -1 with f set.
 */
int seccomp_filter_write(int fd, const char *machine, const struct seccomp_rule *rules,
			 size_t count, struct failure *f);

#endif
