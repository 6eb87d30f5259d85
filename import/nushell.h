/*
 * import/nushell.h - the variables that a file of nushell sets.
 */
#ifndef IMPORT_NUSHELL_H
#define IMPORT_NUSHELL_H

#include "import/assignments.h"
#include "import/locked_text.h"

/*
 * $env.NAME = value, and NAME: value in the record of load-env and with-env.  Nothing is
 * run: (op read ...) becomes a reference to a manager, as in a shell's file.  Returns 0,
 * or -1 (FAIL_TOO_LARGE, FAIL_NOT_LOCKED_MEM, FAIL_NO_MEMORY).  assignments_free is due in
 * every case.
 */
int nushell_parse(const struct locked_text *t, const char *home, struct assignments *r,
		  struct failure *f);

#endif
