/*
 * base/mark.c - why a process is marked, as far as that can be seen.
 */
#include "base/mark.h"

#include <unistd.h>

#include "base/fail.h"
#include "base/proc.h"

#define ANCESTORS_MAX 256

bool mark_is_of_namespace(void)
{
	return proc_marked(1) == 1;
}

bool mark_is_inside(pid_t pid, bool (*is_session)(const void *arg, pid_t pid), const void *arg)
{
	struct proc_stat st;
	int marked, i;

	/* The mark is inherited: no session is above a process that lacks it. */
	for (i = 0; i < ANCESTORS_MAX; i++) {
		if (is_session && is_session(arg, pid))
			return true;
		marked = proc_marked(pid);
		if (marked < 0 || proc_stat(pid, &st) != 0)
			return true;
		if (!marked)
			return false;
		/* Not the process itself: an installed ccctl is undumpable.  As root all look so. */
		if (i > 0 && st.owner == 0 && geteuid() != 0)
			return true;
		pid = st.ppid;
		if (pid <= 1)
			return mark_is_of_namespace();
	}
	return true;
}

int mark_refuse(pid_t pid, bool inside, struct failure *f)
{
	if (proc_mark_is_foreign(pid))
		return fail_set(f, FAIL_MARKED,
				"open a new terminal, or log in anew; if that is marked too, see "
				"limits.conf(5) and LimitLOCKS= of its service",
				"process %d bears a mark as inside a session, but none started it: "
				"something set its RLIMIT_LOCKS (prlimit)",
				(int)pid);
	if (!inside)
		return fail_set(
			f, FAIL_MARKED,
			"if you are not inside claude, something set that limit (prlimit): "
			"open a new terminal, or log in anew",
			"process %d bears the mark of being inside a session (RLIMIT_LOCKS), "
			"but no session is seen above it",
			(int)pid);
	return fail_set(f, FAIL_MARKED, "run it outside the session, in another terminal",
			"a process inside a session gets nothing");
}
