/*
 * broker/witness.c - a process that reads links of /proc/PID for the broker.
 *
 * MUST: it has no secret (it is forked before there is one, and its socket is its only
 * descriptor), may read links and nothing else, and ends with the broker.
 */
#include "broker/witness.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/sock.h"
#include "broker/attendant.h"
#include "sandbox/deny_list.h"
#include "sandbox/seccomp_filter.h"

#define ANSWER_MS 1000 /* the broker serves nobody while it waits */
#define LINK_SIZE 256

static const char *const leaves[] = { "exe", "cwd", "ns/user", "ns/pid" };

#define LEAVES (sizeof(leaves) / sizeof(leaves[0]))

/* Numbered: what came too late for one is not taken for the next one's answer. */
struct witness_request {
	uint32_t number, leaf;
	pid_t pid;
};

struct witness_answer {
	uint32_t number;
	int32_t error; /* errno, or 0 */
	char target[LINK_SIZE];
};

static int to_witness = -1;

/* Keep the capabilities in the mask (effective and permitted), drop all others. */
static int keep_capabilities(unsigned mask)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { mask, mask, 0 }, { 0, 0, 0 } }, now[2];

	/* A service manager may have forbidden the call to who has none. */
	if (syscall(SYS_capget, &head, now) == 0 && memcmp(now, data, sizeof(now)) == 0)
		return 0;
	/* An empty inheritable set clears the ambient one too. */
	return (int)syscall(SYS_capset, &head, data);
}

/* 1u << CAP_SYS_PTRACE, if this process has it. */
static unsigned ptrace_capability(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	return syscall(SYS_capget, &head, data) == 0 ? data[0].effective & 1u << CAP_SYS_PTRACE : 0;
}

/* ---- the witness ---- */

/* Of it and of its parent, which starts it again. */
static int enter_outer_sandbox(void *unused)
{
	(void)unused;
	return keep_capabilities(ptrace_capability()) != 0
		       ? -1
		       : deny_list_enter(DENY_EXEC | DENY_NETWORK | DENY_SIGNALS, NULL);
}

#define ALLOW(name) SECCOMP_CALL(name, SCMP_ACT_ALLOW)

static int enter_witness_sandbox(void)
{
	static const struct seccomp_rule rules[] = {
		ALLOW(read), ALLOW(write),	ALLOW(readlink),     ALLOW(readlinkat),
		ALLOW(exit), ALLOW(exit_group), ALLOW(rt_sigreturn), ALLOW(restart_syscall),
	};

	return seccomp_filter_enter(SCMP_ACT_KILL_PROCESS, rules, sizeof(rules) / sizeof(rules[0]),
				    NULL);
}

static void serve_broker(void *unused)
{
	struct witness_request q;
	struct witness_answer a;

	(void)unused;
	if (enter_witness_sandbox() != 0)
		_exit(1);
	while (read(ATTENDANT_FD, &q, sizeof(q)) == (ssize_t)sizeof(q)) {
		memset(&a, 0, sizeof(a));
		a.number = q.number;
		if (q.leaf >= LEAVES)
			a.error = EINVAL;
		else if (proc_link(q.pid, leaves[q.leaf], a.target, sizeof(a.target)) != 0)
			a.error = errno;
		if (write(ATTENDANT_FD, &a, sizeof(a)) != (ssize_t)sizeof(a))
			break;
	}
}

/* ---- the broker ---- */

int witness_start(struct failure *f)
{
	const struct attendant witness = { .name = "ccrun-witness",
					   .enter = enter_outer_sandbox,
					   .serve = serve_broker,
					   .keep = -1 };

	to_witness = attendant_start(&witness, f);
	if (to_witness < 0)
		return -1;
	return keep_capabilities(0) == 0 ? 0 : fail_errno(f, NULL, "cannot give up capabilities");
}

/* 0, or -1 with errno. */
static int call_witness(struct witness_request *q, struct witness_answer *a)
{
	struct pollfd p = { .fd = to_witness, .events = POLLIN };
	struct iovec request = { q, sizeof(*q) };
	int64_t end = clock_now_ms() + ANSWER_MS, left;
	ssize_t n;

	/* By sendmsg: the sandbox does not allow sendto. */
	if (sock_send_nonblock(to_witness, &request, 1) != 0)
		return -1;
	for (;;) {
		left = end - clock_now_ms();
		if (left <= 0 || poll(&p, 1, (int)left) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		n = recv(to_witness, a, sizeof(*a), MSG_DONTWAIT);
		if (n == (ssize_t)sizeof(*a) && a->number == q->number)
			return 0;
		if (n == 0) {
			errno = EPIPE;
			return -1;
		}
		if (n < 0 && errno != EAGAIN)
			return -1;
	}
}

int witness_read_link(pid_t pid, const char *leaf, char *out, size_t size)
{
	static struct witness_request q;
	struct witness_answer a;

	q.number++;
	q.pid = pid;
	for (q.leaf = 0; q.leaf < LEAVES && strcmp(leaves[q.leaf], leaf) != 0; q.leaf++)
		;
	out[0] = '\0';
	if (call_witness(&q, &a) != 0)
		return -1;
	errno = a.error;
	if (a.error != 0)
		return -1;
	a.target[LINK_SIZE - 1] = '\0';
	snprintf(out, size, "%s", a.target);
	return 0;
}
