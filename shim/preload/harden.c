/*
 * harden.c - what makes this process unreadable for others of the same user.
 */
#include "shim/preload/harden.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/control.h"
#include "shim/preload/refusal.h"

int process_harden(int fd, struct refusal *why)
{
	struct rlimit none = { 0, 0 }, seen = { 1, 1 };

	if (control_active(CONTROL_UNDUMPABLE_CLIENT) &&
	    (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0))
		return refusal_set(why, "cannot make this process undumpable", NULL);
	if (setrlimit(RLIMIT_CORE, &none) != 0 || getrlimit(RLIMIT_CORE, &seen) != 0 ||
	    seen.rlim_cur != 0 || seen.rlim_max != 0)
		return refusal_set(why, "cannot forbid core dumps", NULL);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return refusal_set(why, "cannot keep the connection from children", NULL);
	return 0;
}
