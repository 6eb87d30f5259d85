/*
 * sandbox/cage.c - Landlock and a seccomp filter, for a program that links large libraries.
 */
#include "sandbox/cage.h"

#include <sys/prctl.h>

#include "base/control.h"
#include "base/fail.h"
#include "sandbox/deny_list.h"
#include "sandbox/landlock.h"

int cage_enter(const struct landlock_rules *files, unsigned also, struct failure *f)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail_errno(f, NULL, "cannot give up new privileges");
	if (control_active(CONTROL_CAGE_LANDLOCK) && landlock_restrict(files) != 0)
		return fail_errno(f, NULL, "the kernel refuses the Landlock rules");
	return control_active(CONTROL_CAGE_SECCOMP) ? deny_list_enter(also, f) : 0;
}
