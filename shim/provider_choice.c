/*
 * shim/provider_choice.c - which provider, when the command line names none.
 */
#include "shim/provider_choice.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/project/project.h"
#include "config/settings/ccrun_conf.h"
#include "shim/arguments.h"
#include "shim/ccctl.h"
#include "start/terminal.h"
#include "config/project/allowed_pins.h"

static int pin_refuse(const struct project *p, enum project_standing s, struct failure *f)
{
	return fail_set(f, FAIL_POLICY,
			"look at it, then: ccctl allow; or name a provider: ccrun PROVIDER",
			s == PROJECT_CHANGED ? "%s has changed since you allowed it"
					     : "%s was not allowed by you",
			p->path);
}

enum pin_result { PIN_FAILED = -1, PIN_NONE, PIN_ALLOWED };

/* The pin of the project that the working directory is in, if the user allows it. */
static enum pin_result pin_find(const struct arguments *a, struct project *p, struct failure *f)
{
	enum project_standing standing;
	enum project_search r = project_find(p, f);

	if (r != PROJECT_FOUND)
		return r == PROJECT_NONE ? PIN_NONE : PIN_FAILED;
	if (allowed_standing(p, &standing, f) != 0)
		return PIN_FAILED;
	if (standing == PROJECT_ALLOWED)
		return PIN_ALLOWED;
	if (a->dry_run || !terminal_available()) {
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

/* Set a to [ccrun] default of ccrun.conf, where there is one.  0 or -1. */
static int default_read(struct arguments *a, struct failure *f)
{
	const struct ini_item *it;
	struct ini_file *file;
	int r = ccrun_conf_read(&file, f);

	if (r != INI_READ)
		return r == INI_ABSENT ? 0 : -1;
	it = ini_file_get(file, "ccrun", "default");
	r = it && it->value[0] ? arguments_set_provider(a, it->value, f) : 0;
	ini_file_free(file);
	a->mode_replaceable = true;
	return r;
}

int provider_choose(struct arguments *a, struct project *pin, struct failure *f)
{
	enum pin_result r;

	pin->path[0] = '\0';
	if (a->provider[0])
		return 0;
	r = pin_find(a, pin, f);
	if (r != PIN_ALLOWED) {
		pin->path[0] = '\0';
		return r == PIN_NONE ? default_read(a, f) : -1;
	}
	snprintf(a->provider, sizeof(a->provider), "%s", pin->provider);
	snprintf(a->mode, sizeof(a->mode), "%s", pin->mode);
	a->mode_replaceable = true;
	return 0;
}
