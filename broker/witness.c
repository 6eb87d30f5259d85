/*
 * broker/witness.c - a process that reads links in /proc/PID for the broker.
 *
 * MUST: it has no secret (it is forked before there is one, and its socket is its only
 * descriptor), may read links and nothing else, and ends with the broker.
 */
#include "broker/witness.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/proc.h"
#include "base/sock.h"
#include "sandbox/seccomp_filter.h"

#define ANSWER_MS 1000 /* after that the audit log gets no image */

static int to_witness = -1;

/* What the witness is asked. */
struct witness_question {
	pid_t pid;
	int cwd; /* else exe */
};

static int question_answer(const struct witness_question *q, char *out, size_t size)
{
	return q->cwd ? proc_cwd(q->pid, out, size) : proc_exe(q->pid, out, size);
}

/* Keep the capabilities in the mask (effective and permitted), drop all others. */
static int keep_capabilities(unsigned mask)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { mask, mask, 0 }, { 0, 0, 0 } };

	/* An empty inheritable set clears the ambient one too. */
	return (int)syscall(SYS_capset, &head, data);
}

static int have_cap_ptrace(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	return syscall(SYS_capget, &head, data) == 0 && (data[0].effective & 1u << CAP_SYS_PTRACE);
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

static void __attribute__((noreturn)) run_witness(int fd)
{
	struct witness_question q;
	char path[256];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd != 3 && dup2(fd, 3) < 0)
		_exit(1);
	syscall(SYS_close_range, 4u, ~0u, 0u);
	if (keep_capabilities(1u << CAP_SYS_PTRACE) != 0 || enter_witness_sandbox() != 0)
		_exit(1);
	while (read(3, &q, sizeof(q)) == (ssize_t)sizeof(q)) {
		/* An empty answer says that it cannot be read. */
		if (question_answer(&q, path, sizeof(path)) != 0)
			path[0] = '\0';
		if (write(3, path, strlen(path) + 1) < 0)
			break;
	}
	_exit(0);
}

int witness_start(struct failure *f)
{
	int pair[2];
	pid_t pid;

	if (!have_cap_ptrace())
		return keep_capabilities(0) == 0
			       ? 0
			       : fail_errno(f, NULL, "cannot give up capabilities");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(f, NULL, "cannot make a socket pair");
	pid = fork();
	if (pid < 0)
		return fail_errno(f, NULL, "cannot fork");
	if (pid == 0)
		run_witness(pair[1]);
	close(pair[1]);
	to_witness = pair[0];
	return keep_capabilities(0) == 0 ? 0 : fail_errno(f, NULL, "cannot give up capabilities");
}

static int witness_ask(const struct witness_question *q, char *out, size_t size)
{
	struct pollfd p = { .fd = to_witness, .events = POLLIN };
	struct iovec question = { (void *)q, sizeof(*q) };
	ssize_t n;

	if (to_witness < 0)
		return question_answer(q, out, size);
	/* By sendmsg: the sandbox does not allow sendto. */
	if (sock_send_nonblock(to_witness, &question, 1) != 0 || poll(&p, 1, ANSWER_MS) != 1)
		goto gone;
	n = recv(to_witness, out, size - 1, MSG_DONTWAIT);
	if (n <= 0)
		goto gone;
	out[n] = '\0';
	return out[0] ? 0 : -1;
gone:
	/* Ask no more: a late answer would be taken for the next question's. */
	close(to_witness);
	to_witness = -1;
	out[0] = '\0';
	return -1;
}

int witness_read_exe(pid_t pid, char *out, size_t size)
{
	struct witness_question q = { .pid = pid };

	return witness_ask(&q, out, size);
}

int witness_read_cwd(pid_t pid, char *out, size_t size)
{
	struct witness_question q = { .pid = pid, .cwd = 1 };

	return witness_ask(&q, out, size);
}
