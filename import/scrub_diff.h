/*
 * import/scrub_diff.h - a change of a file as it is shown: lines with - and +.
 */
#ifndef IMPORT_SCRUB_DIFF_H
#define IMPORT_SCRUB_DIFF_H

#include "import/found.h"

/*
 * Print the lines that differ on standard output.  In old the tokens that go are
 * masked already; fragments of others are masked here.
 */
void scrub_diff_print(const struct import *im, const struct locked_text *old,
		      const struct locked_text *fresh);

#endif
