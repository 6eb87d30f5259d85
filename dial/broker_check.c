/*
 * dial/broker_check.c - checks that the process at the other end of the socket is a
 * broker, before a secret is sent to it or taken from it.
 */
#include "dial/broker_check.h"

#include <poll.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/proc.h"
#include "base/sock.h"
#include "dial/dial.h"

/*
 * MUST be called after /proc/PID was read: has the process ended meanwhile?  Then its
 * PID may have been reused, and what was read may be about another process.
 *
 * A pidfd tells.  Without one (before Linux 6.5) a process that started after our
 * connect() is taken for a reused PID.  That is wrong for a broker that a service
 * manager started because of our connection; dial_call then connects again, and the
 * broker is older than that connection.
 */
static bool peer_replaced(struct dial *d, const struct sock_control *answer,
			  const struct proc_stat *st)
{
	struct pollfd ended = { .fd = answer->pidfd, .events = POLLIN };

	if (answer->pidfd >= 0)
		return poll(&ended, 1, 0) != 0;
	d->peer_younger =
		(int64_t)(st->start * 1000 / (uint64_t)sysconf(_SC_CLK_TCK)) > d->connected;
	return d->peer_younger;
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
	marked = proc_marked(answer->pid);
	if (marked < 0 || proc_stat(answer->pid, &st) != 0 || st.state == 'Z')
		return fail_set(f, FAIL_PEER, "is /proc mounted with hidepid?",
				"the broker (process %d) cannot be looked at", (int)answer->pid);
	if (peer_replaced(d, answer, &st))
		return fail_set(f, FAIL_PEER,
				"try again; if it stays, ccctl status shows who serves",
				"the process that answered (%d) is not there any more",
				(int)answer->pid);
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
