/*
 * client/common/pin_argument.c - the .ccrun file that allow and deny are about.
 */
#include "client/common/pin_argument.h"

#include <unistd.h>

#include "base/fail.h"
#include "config/project/project.h"

int pin_from_arguments(int argc, char **argv, struct project *p, struct failure *f)
{
	enum project_search r;

	if (argc - optind > 1)
		return fail_set(f, FAIL_USAGE, "ccctl help allow", "one directory at a time");
	if (optind < argc)
		return project_read(argv[optind], p, f);
	r = project_find(p, f);
	if (r == PROJECT_NONE)
		return fail_set(f, FAIL_NO_ENTRY, "create it with the line: provider = NAME",
				"there is no " PROJECT_LEAF " here or above");
	return r == PROJECT_FAILED ? -1 : 0;
}
