/*
 * shim/confine.c - what the programs of a session cannot do to others.
 */
#include "shim/confine.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/control.h"
#include "base/fail.h"
#include "sandbox/filter_load.h"
#include "sandbox/landlock.h"
#include "sandbox/session_filter.h"

int confine_plan(enum confine want, struct confinement *out, struct failure *f)
{
	memset(out, 0, sizeof(*out));
	out->off = want == CONFINE_OFF;
	if (out->off)
		return 0;
	out->filter = filter_supported();
	out->scope = landlock_abi() >= LANDLOCK_ABI_SCOPE;
	if (want == CONFINE_AUTO || (out->filter && out->scope))
		return 0;
	return fail_set(f, FAIL_POLICY,
			"confine = auto in the provider's [policy] takes what there is; see "
			"CONFINEMENT in ccrun(1)",
			"confine = on, and this kernel %s",
			out->filter ? "has no Landlock that scopes signals (Linux 6.12)"
				    : "has no seccomp filters (CONFIG_SECCOMP_FILTER)");
}

bool confine_any(const struct confinement *c)
{
	return c->filter || c->scope;
}

const char *confine_word(const struct confinement *c)
{
	if (!confine_any(c))
		return "not confined";
	return c->filter && c->scope ? "confined" : "confined in part";
}

const char *confine_text(const struct confinement *c)
{
	if (c->off)
		return "no (confine = off)";
	if (c->filter && c->scope)
		return "yes (seccomp, Landlock)";
	if (c->filter)
		return "in part (seccomp; no Landlock that scopes signals, as Linux 6.12 has it: "
		       "the session can signal your other programs, and look into them as far as "
		       "Yama lets it)";
	return c->scope ? "in part (Landlock; no seccomp: the session can type into its terminal)"
			: "no (this kernel has neither seccomp filters nor Landlock's scopes)";
}

int confine_enter(const struct confinement *c, struct failure *f)
{
	static const char hint[] = "confine = off in the provider's [policy] does without; see "
				   "CONFINEMENT in ccrun(1)";

	if (!confine_any(c))
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail_errno(f, hint, "cannot confine the session (no_new_privs)");
	/* E2BIG: sixteen sessions inside each other, and confined by each. */
	if (c->scope && control_active(CONTROL_CONFINE_LANDLOCK) && landlock_scope() != 0 &&
	    errno != E2BIG)
		return fail_errno(f, hint, "cannot confine the session (Landlock)");
	if (c->filter && control_active(CONTROL_CONFINE_SECCOMP) &&
	    filter_load(&session_filter) != 0)
		return fail_errno(f, hint, "cannot confine the session (seccomp)");
	return 0;
}
