/*
 * import/cc_switch_db.h - the variables in cc-switch's database; the one user of SQLite.
 */
#ifndef IMPORT_CC_SWITCH_DB_H
#define IMPORT_CC_SWITCH_DB_H

#include <sys/stat.h>
#include "import/assignments.h"

/*
 * Those of each provider for Claude Code, a scope each; nothing is written beside or
 * into the file.  st: of the file.  Returns 1, 0 (there is no such file) or -1
 * (FAIL_CONFIG: no such database; FAIL_BUSY: it is not whole without what SQLite would
 * have to write; FAIL_NOT_LOCKED_MEM, FAIL_NO_MEMORY).  assignments_free is due in
 * every case.
 */
int cc_switch_db_parse(const char *path, struct stat *st, struct assignments *r, struct failure *f);

#endif
