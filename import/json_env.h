/*
 * import/json_env.h - variables in other programs' JSON files: editors' settings, and
 * those of programs that switch between providers.
 */
#ifndef IMPORT_JSON_ENV_H
#define IMPORT_JSON_ENV_H

#include "import/assignments.h"
#include "import/locked_text.h"

enum json_env_kind {
	JSON_ENV_EDITOR,    /* VS Code's and Cursor's settings, with comments */
	JSON_ENV_CC_SWITCH, /* cc-switch's config.json */
	JSON_ENV_ROUTER,    /* claude-code-router's config.json */
	JSON_ENV_SETTINGS   /* "env" at the top */
};

/*
 * Its variables, each place a scope of its own.  A value's at and end are those of the
 * string alone.  Returns 0, or -1 (FAIL_CONFIG: no JSON, r->bad_line; FAIL_TOO_LARGE,
 * FAIL_NOT_LOCKED_MEM, FAIL_NO_MEMORY).  assignments_free is due in every case.
 */
int json_env_parse(const struct locked_text *t, enum json_env_kind kind, struct assignments *r,
		   struct failure *f);

/* The same for a part of a file that is no file of its own, into assignments that were
 * begun; of: whose it is. */
int json_env_add(const char *p, size_t n, enum json_env_kind kind, const char *of,
		 struct assignments *r, struct failure *f);

#endif
