/*
 * import/scrub.h - taking stored tokens out of the files they were found in.
 */
#ifndef IMPORT_SCRUB_H
#define IMPORT_SCRUB_H

#include "import/found.h"

/* Show each change, ask, rewrite the file.  Returns 0, or -1: some could not be (said). */
int scrub_files(struct import *im, struct failure *f);

#endif
