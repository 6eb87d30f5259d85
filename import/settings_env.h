/*
 * import/settings_env.h - the "env" object of a settings file (Claude Code's, ccs's).
 */
#ifndef IMPORT_SETTINGS_ENV_H
#define IMPORT_SETTINGS_ENV_H

#include <stdbool.h>
#include "import/assignments.h"
#include "import/locked_text.h"

/*
 * Its members with a text as value, as assignments.  Returns 0, or -1 (FAIL_CONFIG: no
 * JSON, r->bad_line; FAIL_TOO_LARGE, FAIL_NOT_LOCKED_MEM, FAIL_NO_MEMORY).
 * assignments_free is due in every case.
 */
int settings_env_parse(const struct locked_text *t, struct assignments *r, struct failure *f);

/*
 * Remove a member of "env" from the text, which is valid JSON, with its comma and
 * blanks; all else stays as it is.  False: it is not there.
 */
bool settings_env_remove(struct locked_text *t, const char *name);

/*
 * Check of an edit: is removed equal to before but for the n members of "env", and
 * is after valid JSON too?
 */
bool settings_env_only_removed(const struct locked_text *before, const struct locked_text *removed,
			       const struct locked_text *after, const char *const *names,
			       unsigned n);

#endif
