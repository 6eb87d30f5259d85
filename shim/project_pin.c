/*
 * shim/project_pin.c - following a project's .ccrun where the user has allowed it, and
 * refusing it where not.
 */
#include "shim/project_pin.h"

#include "base/fail.h"
#include "config/project/allowed_pins.h"
#include "config/project/project.h"
#include "shim/ccctl.h"
#include "start/terminal.h"

static int pin_refuse(const struct project *p, enum project_standing s, struct failure *f)
{
	return fail_set(f, FAIL_POLICY,
			"look at it, then: ccctl allow; or name a provider: ccrun PROVIDER",
			s == PROJECT_CHANGED ? "%s has changed since you allowed it"
					     : "%s was not allowed by you",
			p->path);
}

enum pin_result pin_find_allowed(struct project *p, bool may_ask, struct failure *f)
{
	enum project_standing standing;
	enum project_search r = project_find(p, f);

	if (r != PROJECT_FOUND)
		return r == PROJECT_NONE ? PIN_NONE : PIN_FAILED;
	if (allowed_standing(p, &standing, f) != 0)
		return PIN_FAILED;
	if (standing == PROJECT_ALLOWED)
		return PIN_ALLOWED;
	if (!may_ask || !terminal_available()) {
		pin_refuse(p, standing, f);
		return PIN_FAILED;
	}
	if (ccctl_run("allow", "--ask", f) != 0)
		return PIN_FAILED;
	/* The file may have changed while the user was asked: read it again. */
	if (project_find(p, f) != PROJECT_FOUND || allowed_standing(p, &standing, f) != 0)
		return PIN_FAILED;
	if (standing == PROJECT_ALLOWED)
		return PIN_ALLOWED;
	pin_refuse(p, standing, f);
	return PIN_FAILED;
}
