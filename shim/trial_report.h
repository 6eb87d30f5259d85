/*
 * shim/trial_report.h - ccrun --test: why nothing was asked, for ccctl.
 */
#ifndef SHIM_TRIAL_REPORT_H
#define SHIM_TRIAL_REPORT_H

#include "wire/trial.h"

struct failure;

/* On standard output, in the lines in which ccrun-ask reports what came of it. */
void trial_report_failure(enum trial t, const struct failure *f);

#endif
