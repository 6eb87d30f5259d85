/*
 * client/doctor/kernel.c - checks: what the kernel lets programs of one user do to each other.
 */
#include <unistd.h>

#include "client/doctor/checks.h"
#include "client/facts/machine_file.h"
#include "sandbox/landlock.h"

#define LEGACY_TIOCSTI "/proc/sys/dev/tty/legacy_tiocsti"

void check_seccomp(struct checkup *d)
{
	if (d->kernel.seccomp)
		found_ok(d, "the kernel has filters of system calls");
	else
		found_broken(
			d, "a kernel with CONFIG_SECCOMP_FILTER; a container may forbid it",
			"no filter of system calls can be set here: the broker does not start, "
			"and no session is confined");
}

void check_landlock(struct checkup *d)
{
	if (d->kernel.landlock == 0)
		found_advice(d, "a kernel with Landlock (Linux 5.13), and landlock in lsm=",
			     "no Landlock: a session can signal your other programs and look into "
			     "them, and the broker's sandbox has no walls for files");
	else if (d->kernel.landlock < LANDLOCK_ABI_SCOPE)
		found_ok(d,
			 "version %d (from Linux 6.12 on a session cannot signal your other "
			 "programs either)",
			 d->kernel.landlock);
	else
		found_ok(d, "version %d", d->kernel.landlock);
}

void check_yama(struct checkup *d)
{
	static const char mend[] = "as root: sysctl kernel.yama.ptrace_scope=1, and the same in "
				   "/etc/sysctl.d/";

	if (d->kernel.yama > 0)
		found_ok(d, "ptrace_scope is %d: your programs cannot look into each other",
			 d->kernel.yama);
	else
		found_advice(d, d->kernel.yama < 0 ? "a kernel with Yama" : mend,
			     "%s: your programs can look into each other's memory, but for those "
			     "that hold keys",
			     d->kernel.yama < 0 ? "no Yama" : "ptrace_scope is 0");
}

void check_tiocsti(struct checkup *d)
{
	char where[MACHINE_PATH];

	if (!d->kernel.types)
		found_ok(d, "no program can type into its terminal");
	else if (access(machine_file_path(LEGACY_TIOCSTI, where), F_OK) == 0)
		found_advice(d,
			     "as root: sysctl dev.tty.legacy_tiocsti=0, and the same in "
			     "/etc/sysctl.d/",
			     "every program can type into its terminal, but for a confined "
			     "session's");
	else
		found_ok(d, "programs can type into their terminal (Linux 6.2 can forbid it), a "
			    "confined session's cannot");
}
