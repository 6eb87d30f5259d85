/*
 * tests/fuzz/dispatch_kernel.h - what the kernel says in fuzz_dispatch.c, instead of it: of the
 * clocks, the peers and their processes; what starts a relay; and that there is something to do,
 * which is where an input's next step is taken.
 *
 * -Wl,--wrap (mk/tests.mk: WRAPPED_fuzz_dispatch) has the broker's calls come here.  The answers
 * are those of process[], relay[] and the clocks of dispatch_state.h.
 */
#ifndef CCRUN_TESTS_FUZZ_DISPATCH_KERNEL_H
#define CCRUN_TESTS_FUZZ_DISPATCH_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/proc.h"
#include "base/sock.h"
#include "broker/peer.h"
#include "broker/relay_keeper.h"
#include "broker/witness.h"
#include "tests/fuzz/dispatch_checks.h"
#include "tests/fuzz/dispatch_state.h"
#include "tests/fuzz/dispatch_steps.h"
#include "vault/arena.h"

int64_t __wrap_clock_now_ms(void);
int64_t __wrap_clock_wall(void);
int __wrap_peer_identify(struct peer *p, int fd, struct failure *f);
int __wrap_peer_check_alive(const struct peer *p, struct failure *f);
int __wrap_peer_read_mark(const struct peer *p, bool *marked, struct failure *f);
int __wrap_peer_check_namespaces(const struct peer *p, struct failure *f);
int __wrap_peer_check_private(const struct peer *p, bool strict, struct failure *f);
int __wrap_peer_check_hardened(const struct peer *p, bool strict, struct failure *f);
int __wrap_peer_check_confined(const struct peer *p, struct failure *f);
int __wrap_proc_stat(pid_t pid, struct proc_stat *out);
int __wrap_proc_confined(pid_t pid);
bool __wrap_arena_verify(const struct arena *a);
int __wrap_witness_read_link(pid_t pid, const char *leaf, char *out, size_t size);
int __wrap_relay_keeper_start_relay(struct failure *f);
int __real_epoll_wait(int epoll, struct epoll_event *ev, int n, int timeout);
int __wrap_epoll_wait(int epoll, struct epoll_event *ev, int n, int timeout);
ssize_t __real_sock_recv(int fd, void *buf, size_t size, int flags, struct sock_control *c);
ssize_t __wrap_sock_recv(int fd, void *buf, size_t size, int flags, struct sock_control *c);
ssize_t __real_sock_recv_no_fds(int fd, void *buf, size_t size, int flags, struct sock_control *c);
ssize_t __wrap_sock_recv_no_fds(int fd, void *buf, size_t size, int flags, struct sock_control *c);

int64_t __wrap_clock_now_ms(void)
{
	return now_ms;
}

int64_t __wrap_clock_wall(void)
{
	return wall_s;
}

static struct process *process_of(pid_t pid)
{
	MUST(pid >= FIRST_PID && pid < FIRST_PID + PROCESSES);
	return &process[pid - FIRST_PID];
}

int __wrap_peer_identify(struct peer *p, int fd, struct failure *f)
{
	(void)fd;
	p->pid = (pid_t)(FIRST_PID + connecting);
	p->uid = getuid();
	p->exact = !process[connecting].reused;
	p->start = 1;
	p->pidfd = fcntl(process[connecting].life, F_DUPFD_CLOEXEC, 3);
	MUST(p->pidfd >= 0);
	return __wrap_peer_check_alive(p, f);
}

int __wrap_peer_check_alive(const struct peer *p, struct failure *f)
{
	return process_of(p->pid)->dead ? fail_set(f, FAIL_PEER, NULL, "it has ended") : 0;
}

int __wrap_peer_read_mark(const struct peer *p, bool *marked, struct failure *f)
{
	*marked = process_of(p->pid)->marked;
	return __wrap_peer_check_alive(p, f);
}

int __wrap_peer_check_namespaces(const struct peer *p, struct failure *f)
{
	return process_of(p->pid)->elsewhere ? fail_set(f, FAIL_POSTURE, NULL, "it is elsewhere")
					     : 0;
}

int __wrap_peer_check_private(const struct peer *p, bool strict, struct failure *f)
{
	const struct process *is = process_of(p->pid);

	(void)strict;
	if (is->dumpable || is->traced)
		return fail_set(f, FAIL_POSTURE, NULL, "it can be read");
	return __wrap_peer_check_alive(p, f);
}

int __wrap_peer_check_hardened(const struct peer *p, bool strict, struct failure *f)
{
	if (!process_of(p->pid)->marked)
		return fail_set(f, FAIL_POSTURE, NULL, "it is not marked");
	return __wrap_peer_check_private(p, strict, f);
}

int __wrap_peer_check_confined(const struct peer *p, struct failure *f)
{
	if (process_of(p->pid)->unconfined)
		return fail_set(f, FAIL_POSTURE, NULL, "it is not confined");
	return __wrap_peer_check_alive(p, f);
}

int __wrap_proc_stat(pid_t pid, struct proc_stat *out)
{
	memset(out, 0, sizeof(*out));
	out->start = 1;
	out->state = pid >= FIRST_PID && process_of(pid)->dead ? 'Z' : 'S';
	return 0;
}

int __wrap_proc_confined(pid_t pid)
{
	(void)pid;
	return 1;
}

/* To ask costs more than all the rest, with a sanitizer's mappings. */
bool __wrap_arena_verify(const struct arena *a)
{
	(void)a;
	return true;
}

int __wrap_witness_read_link(pid_t pid, const char *leaf, char *out, size_t size)
{
	if (process_of(pid)->elsewhere) {
		errno = EACCES;
		return -1;
	}
	snprintf(out, size, "%s", strcmp(leaf, "exe") == 0 ? "/usr/bin/claude" : "/home/me");
	return 0;
}

int __wrap_relay_keeper_start_relay(struct failure *f)
{
	unsigned i;
	int ends[2];

	for (i = 0; i < RELAYS && relay[i].fd >= 0; i++)
		;
	if (i == RELAYS)
		return fail_set(f, FAIL_SYSTEM, NULL, "no more can be started");
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	relay[i].fd = ends[1];
	relay[i].sees = false;
	return ends[0];
}

/* Each packet is from whom the step says, for whom the kernel would have said it. */
static void say_sender(struct sock_control *c)
{
	if (c && c->have_sender && c->pid == getpid())
		c->pid = (pid_t)(FIRST_PID + sending);
}

ssize_t __wrap_sock_recv(int fd, void *buf, size_t size, int flags, struct sock_control *c)
{
	ssize_t n = __real_sock_recv(fd, buf, size, flags, c);

	if (n >= 0)
		say_sender(c);
	return n;
}

ssize_t __wrap_sock_recv_no_fds(int fd, void *buf, size_t size, int flags, struct sock_control *c)
{
	ssize_t n = __real_sock_recv_no_fds(fd, buf, size, flags, c);

	if (n >= 0)
		say_sender(c);
	return n;
}

/*
 * The loop asks what there is to do.  All that a step leads to is done before the next one; when
 * there is none any more, the loop is told to end.
 */
int __wrap_epoll_wait(int epoll, struct epoll_event *ev, int n, int timeout)
{
	int ready = __real_epoll_wait(epoll, ev, n, 0);

	(void)timeout;
	if (ready > 0)
		return ready;
	hear_all();
	if (claim_ends[0] >= 0) {
		claim_hear(claimant, claim_ends[0]);
		close(claim_ends[0]);
		claim_ends[0] = -1;
	}
	if (script.n == 0 || steps == 0) {
		errno = EBADF;
		return -1;
	}
	steps--;
	step_take();
	return __real_epoll_wait(epoll, ev, n, 0);
}

#endif
