/*
 * dial/broker_check.c - checks that the process at the other end of the socket is a
 * broker, before a secret is sent to it or taken from it.
 */
#include "dial/broker_check.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/proc.h"
#include "base/sock.h"
#include "dial/dial.h"

static int fail_ended(pid_t pid, struct failure *f)
{
	return fail_set(f, FAIL_PEER, "try again; if it stays, ccctl status shows who serves",
			"the process that answered (%d) is not there any more", (int)pid);
}

static bool has_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

/*
 * A PID may be another process's by now, and a session can see to it that it is that of one which
 * looks like a broker.  So a descriptor of the process is had before the look: the sender's, or,
 * before Linux 6.5, of the process that has the PID.
 */
static int begin_look(struct dial *d, const struct sock_control *answer, struct failure *f)
{
	if (sock_names_sender(d->fd))
		return answer->pidfd >= 0 ? 0 : fail_ended(answer->pid, f);
	d->looked_at = (int)syscall(SYS_pidfd_open, answer->pid, 0u);
	if (d->looked_at < 0 && errno == ENOSYS)
		return fail_set(f, FAIL_SYSTEM, "Linux 5.3 has them", "the kernel gives no pidfd");
	return d->looked_at >= 0 ? 0 : fail_ended(answer->pid, f);
}

int broker_check_silent(struct dial *d, struct failure *f)
{
	char next;
	ssize_t n = recv(d->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT);

	if ((n < 0 && errno == EAGAIN) || !control_active(CONTROL_BROKER_SAME))
		return 0;
	if (n > 0)
		return fail_set(f, FAIL_PEER,
				"ccctl status shows who serves; end that process, then try again",
				"process %d answers what it was not asked", (int)d->broker);
	/* Also where that is an error (ECONNRESET), which is told once, before what is queued. */
	d->unanswered = true;
	return fail_set(f, FAIL_NO_BROKER, "try again",
			"the broker closed the connection without an answer");
}

int broker_check_same(const struct dial *d, struct failure *f)
{
	return has_ended(d->looked_at) ? fail_ended(d->broker, f) : 0;
}

/*
 * MUST: the sender has the expected uid, is unmarked (it does not descend from a
 * session) and undumpable (its memory cannot be read by other processes of the
 * user).  The uid alone proves nothing: a session has it, too.
 *
 * For uid 0 "undumpable" proves nothing, since root's files in /proc are root's in
 * any case; docs/DEFENCES.md says so.
 */
int broker_check(struct dial *d, const struct sock_control *answer, struct failure *f)
{
	static const char hint[] =
		"ccctl status shows who serves; end that process, then try again";
	struct proc_stat st;
	int marked;

	if (!answer->have_sender)
		return fail_set(f, FAIL_PEER, hint, "the answer does not say who sent it");
	if (answer->uid != d->owner && control_active(CONTROL_BROKER_OWNER))
		return fail_set(f, FAIL_PEER, hint,
				"the broker is somebody else's (uid %u, not %u)",
				(unsigned)answer->uid, (unsigned)d->owner);
	if (answer->pid <= 0)
		return fail_set(f, FAIL_PEER,
				"run it outside the container, or have a broker of your own inside",
				"the broker is in a pid namespace that cannot be seen from here");
	if (begin_look(d, answer, f) != 0)
		return -1;
	marked = proc_marked(answer->pid);
	if (marked < 0 || proc_stat(answer->pid, &st) != 0 || st.state == 'Z')
		return fail_set(f, FAIL_PEER, "is /proc mounted with hidepid?",
				"the broker (process %d) cannot be looked at", (int)answer->pid);
	if (answer->pidfd >= 0 && has_ended(answer->pidfd))
		return fail_ended(answer->pid, f);
	if (st.owner != 0 && control_active(CONTROL_BROKER_UNDUMPABLE))
		return fail_set(f, FAIL_PEER, hint,
				"process %d (%s) answers as the broker but is not hardened",
				(int)answer->pid, st.comm);
	if (marked && control_active(CONTROL_BROKER_UNMARKED))
		return fail_set(f, FAIL_PEER, hint,
				"process %d (%s) answers as the broker but descends from a session",
				(int)answer->pid, st.comm);
	return 0;
}

void broker_check_forget(struct dial *d)
{
	if (d->looked_at > 0)
		close(d->looked_at);
	d->looked_at = 0;
	d->broker = 0;
}
