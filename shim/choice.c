/*
 * shim/choice.c - which provider, when the command line names none.
 */
#include "shim/choice.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/project/allowed.h"
#include "config/project/project.h"
#include "config/settings/ccrun_conf.h"
#include "shim/arguments.h"
#include "shim/session.h"

static int refuse(const struct project *p, enum project_standing s, struct failure *f)
{
	return fail_set(f, FAIL_POLICY, "look at it, then: ccctl allow; or name a provider: ccrun PROVIDER",
			s == PROJECT_CHANGED ? "%s has changed since you allowed it" : "%s was not allowed by you",
			p->path);
}

/* 1: follow it, 0: there is none, -1. */
static int pinned(const struct arguments *a, struct project *p, struct failure *f)
{
	enum project_standing standing;
	enum project_search r = project_find(p, f);

	if (r <= 0)
		return r;
	if (allowed_standing(p, &standing, f) != 0)
		return -1;
	if (standing == PROJECT_ALLOWED)
		return 1;
	if (a->dry_run || !session_terminal())
		return refuse(p, standing, f);
	if (session_run("allow", "--ask", f) != 0)
		return -1;
	/* What was allowed is what is followed, whatever happened meanwhile. */
	if (project_find(p, f) != PROJECT_FOUND || allowed_standing(p, &standing, f) != 0)
		return -1;
	return standing == PROJECT_ALLOWED ? 1 : refuse(p, standing, f);
}

/* [ccrun] default; nothing happens when there is none. */
static int fall_back(struct arguments *a, struct failure *f)
{
	const struct ini_item *it;
	struct ini_file *file;
	int r = ccrun_conf_read(&file, f);

	if (r != INI_READ)
		return r;
	it = ini_file_get(file, "ccrun", "default");
	r = it && it->value[0] ? arguments_provider(a, it->value, f) : 0;
	ini_file_free(file);
	a->soft = true;
	return r;
}

int choice_make(struct arguments *a, struct project *pin, struct failure *f)
{
	int r;

	pin->path[0] = '\0';
	if (a->provider[0])
		return 0;
	r = pinned(a, pin, f);
	if (r <= 0) {
		pin->path[0] = '\0';
		return r == 0 ? fall_back(a, f) : -1;
	}
	snprintf(a->provider, sizeof(a->provider), "%s", pin->provider);
	snprintf(a->mode, sizeof(a->mode), "%s", pin->mode);
	a->soft = true;
	return 0;
}
