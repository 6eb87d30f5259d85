/*
 * broker/peer.c - what the kernel says of a peer.
 */
#include "broker/peer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/proc.h"
#include "base/sock.h"
#include "broker/witness.h"

static const char hidepid[] = "is /proc mounted with hidepid, or is it in another namespace?";

void peer_release(struct peer *p)
{
	if (p->pidfd >= 0)
		close(p->pidfd);
	p->pidfd = -1;
}

/* Was st read from the process that connected, and does that still live?  Called
 * after every other read of /proc/PID, since the pid may be reused at any time. */
static int check_same_process(const struct peer *p, const struct proc_stat *st, struct failure *f)
{
	struct pollfd ended = { .fd = p->pidfd, .events = POLLIN };

	if (!control_active(CONTROL_SAME_PROCESS))
		return 0;
	/* Without a descriptor, -1, it says nothing. */
	if (poll(&ended, 1, 0) != 0)
		return fail_set(f, FAIL_PEER, NULL, "process %d has ended", (int)p->pid);
	if (st->start != p->start || st->state == 'Z' || st->state == 'X')
		return fail_set(f, FAIL_PEER, NULL, "process %d has ended", (int)p->pid);
	return 0;
}

int peer_identify(struct peer *p, int fd, struct failure *f)
{
	struct proc_stat st;

	p->pidfd = -1;
	if (sock_peer(fd, &p->pid, &p->uid) != 0)
		return fail_set(f, FAIL_PEER, hidepid, "cannot tell who is calling");
	p->pidfd = sock_peer_pidfd(fd, p->pid, &p->exact);
	if (p->pidfd < 0 && (errno == EMFILE || errno == ENFILE))
		return fail_errno(f, "try again", "cannot look at process %d", (int)p->pid);
	if (p->pidfd < 0 && (p->exact || errno != ENOSYS))
		return fail_set(f, FAIL_PEER, NULL, "process %d has ended", (int)p->pid);
	if (proc_stat(p->pid, &st) != 0) {
		peer_release(p);
		return fail_set(f, FAIL_PEER, hidepid, "cannot look at process %d", (int)p->pid);
	}
	p->start = st.start;
	p->tty = st.tty;
	p->sid = st.sid;
	return check_same_process(p, &st, f);
}

int peer_check_alive(const struct peer *p, struct failure *f)
{
	struct pollfd ended = { .fd = p->pidfd, .events = POLLIN };
	struct proc_stat st;

	/* The descriptor is of the process that connected: until that has ended, its pid is
	 * no other's.  (Reading stat costs more than all else that a message needs.) */
	if (p->exact && p->pidfd >= 0 && poll(&ended, 1, 0) == 0)
		return 0;
	if (proc_stat(p->pid, &st) != 0)
		return fail_set(f, FAIL_PEER, hidepid, "cannot look at process %d", (int)p->pid);
	return check_same_process(p, &st, f);
}

enum peer_terminal peer_see_terminal(const struct peer *p)
{
	struct proc_stat st;

	if (!control_active(CONTROL_HELD_PROCESS))
		return PEER_NO_TERMINAL;
	if (p->tty == 0 || proc_stat(p->pid, &st) != 0 || st.start != p->start || st.state == 'Z' ||
	    st.state == 'X')
		return PEER_NO_TERMINAL;
	if (st.tty == p->tty)
		return st.foreground ? PEER_FOREGROUND : PEER_BACKGROUND;
	/* Another one is not its own: who leads a session gets the next that it opens, and a
	 * program of a session can have it open one. */
	if (st.state == 'T' || st.state == 't')
		return PEER_HELD;
	return st.sid == p->sid ? PEER_TERMINAL_GONE : PEER_NO_TERMINAL;
}

bool peer_ignores_hangup(const struct peer *p)
{
	return proc_ignores(p->pid, SIGHUP) != 0;
}

int peer_read_mark(const struct peer *p, bool *marked, struct failure *f)
{
	int r = proc_marked(p->pid);

	if (r < 0)
		return fail_set(f, FAIL_PEER, hidepid, "cannot read the limits of process %d",
				(int)p->pid);
	*marked = r;
	return peer_check_alive(p, f);
}

int peer_check_namespaces(const struct peer *p, struct failure *f)
{
	int same = proc_same_namespaces(p->pid, witness_read_link);

	if (same < 0 && (errno == EPIPE || errno == ETIMEDOUT))
		return fail_set(f, FAIL_POSTURE,
				"end the broker (ccctl status has its process) and unlock again",
				"the broker's process that looks at others %s",
				errno == EPIPE ? "has ended" : "does not answer");
	if (same < 0)
		return fail_set(f, FAIL_POSTURE, hidepid, "cannot see the namespaces of process %d",
				(int)p->pid);
	if (!same && control_active(CONTROL_NAMESPACES))
		return fail_set(f, FAIL_POSTURE,
				"run ccrun in the namespaces that the broker runs in",
				"process %d is in another user or pid namespace", (int)p->pid);
	return 0;
}

int peer_check_private(const struct peer *p, bool strict, struct failure *f)
{
	struct proc_stat st;
	pid_t tracer = proc_tracer(p->pid);

	/* stat last: its start time shows that both reads were of this process. */
	if (tracer < 0 || proc_stat(p->pid, &st) != 0)
		return fail_set(f, FAIL_PEER, hidepid, "cannot look at process %d", (int)p->pid);
	if (check_same_process(p, &st, f) != 0)
		return -1;
	if (tracer != 0 && control_active(CONTROL_UNTRACED))
		return fail_set(f, FAIL_POSTURE, "detach the debugger",
				"process %d is traced by %d", (int)p->pid, (int)tracer);
	if (p->uid == 0 && strict)
		return fail_set(f, FAIL_POSTURE, "run as an ordinary user",
				"as root nobody can tell whether process %d is undumpable, and the "
				"policy is strict",
				(int)p->pid);
	if (st.owner != 0 && control_active(CONTROL_UNDUMPABLE_CLAIMANT))
		return fail_set(f, FAIL_POSTURE, NULL,
				"process %d is dumpable: its memory can be read", (int)p->pid);
	return 0;
}

int peer_check_confined(const struct peer *p, struct failure *f)
{
	int confined = proc_confined(p->pid);

	if (confined < 0)
		return fail_set(f, FAIL_PEER, hidepid, "cannot look at process %d", (int)p->pid);
	/* Neither part is ever lost: what follows shows that it was this process's. */
	if (peer_check_alive(p, f) != 0)
		return -1;
	if (confined || !control_active(CONTROL_CONFINED_SESSION))
		return 0;
	return fail_set(f, FAIL_POSTURE,
			"start it with ccrun of the broker's version; sessions without: "
			"confine = off in the provider's [policy]",
			"process %d is not confined (no seccomp filter, or no no_new_privs)",
			(int)p->pid);
}

int peer_check_hardened(const struct peer *p, bool strict, struct failure *f)
{
	int marked = proc_marked(p->pid);

	if (marked < 0)
		return fail_set(f, FAIL_PEER, hidepid, "cannot look at process %d", (int)p->pid);
	/* A mark is never lost, so it may be read first: what follows shows that it was
	 * this process's. */
	if (!marked && control_active(CONTROL_MARKED_CLAIMANT))
		return peer_check_alive(p, f) != 0
			       ? -1
			       : fail_set(f, FAIL_POSTURE, NULL,
					  "process %d does not bear the session's mark",
					  (int)p->pid);
	return peer_check_private(p, strict, f);
}
