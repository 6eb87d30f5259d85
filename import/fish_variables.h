/*
 * import/fish_variables.h - fish's universal variables: set -U, ~/.config/fish/fish_variables.
 */
#ifndef IMPORT_FISH_VARIABLES_H
#define IMPORT_FISH_VARIABLES_H

#include "import/assignments.h"
#include "import/locked_text.h"

/* Returns 0, or -1 (FAIL_TOO_LARGE, FAIL_NOT_LOCKED_MEM, FAIL_NO_MEMORY).
 * assignments_free is due in every case. */
int fish_variables_parse(const struct locked_text *t, struct assignments *r, struct failure *f);

#endif
