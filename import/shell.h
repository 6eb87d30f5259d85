/*
 * import/shell.h - the assignments of a shell file.
 */
#ifndef IMPORT_SHELL_H
#define IMPORT_SHELL_H

#include <stdbool.h>
#include "import/assignments.h"
#include "import/locked_text.h"

/*
 * Parse a shell's file (fish: fish's).  home is the value of ~ and $HOME.  Nothing is
 * run.  Returns 0, or -1 (FAIL_CONFIG: an open quote or bracket, r->bad_line;
 * FAIL_TOO_LARGE, FAIL_NOT_LOCKED_MEM, FAIL_NO_MEMORY).  assignments_free is due in
 * every case.
 */
int shell_parse(const struct locked_text *t, bool fish, const char *home, struct assignments *r,
		struct failure *f);

#endif
