/*
 * import/report.h - what was found and done, for people and for programs.
 */
#ifndef IMPORT_REPORT_H
#define IMPORT_REPORT_H

#include "import/found.h"

/* On standard output: every account, and every file that was left alone. */
void report_found(const struct import *im);

/* On standard error: what was stored, written and overwritten. */
void report_done(const struct import *im);

/* On standard output, all of it as JSON.  Returns 0 or -1. */
int report_json(const struct import *im, struct failure *f);

#endif
