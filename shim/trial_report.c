/*
 * shim/trial_report.c - ccrun --test: why nothing was asked, for ccctl.
 */
#include "shim/trial_report.h"

#include <stdio.h>

#include "base/fail.h"

void trial_report_failure(enum trial t, const struct failure *f)
{
	/* A failure's texts are without control characters. */
	printf("outcome %s\nfailure %s\nwhat %s\n", trial_name(t), fail_name(f->code), f->what);
	if (f->hint[0])
		printf("hint %s\n", f->hint);
	fflush(stdout);
}
