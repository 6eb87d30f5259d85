/*
 * import/systemd_unit.h - Environment= and EnvironmentFile= of a systemd unit.
 */
#ifndef IMPORT_SYSTEMD_UNIT_H
#define IMPORT_SYSTEMD_UNIT_H

#include "import/assignments.h"
#include "import/locked_text.h"

/*
 * home is the value of %h.  A value with another specifier is not known.  Returns 0, or -1
 * (FAIL_TOO_LARGE, FAIL_NOT_LOCKED_MEM, FAIL_NO_MEMORY).  assignments_free is due in
 * every case.
 */
int systemd_unit_parse(const struct locked_text *t, const char *home, struct assignments *r,
		       struct failure *f);

#endif
