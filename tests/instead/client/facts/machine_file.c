/*
 * tests/instead/client/facts/machine_file.c - files of the machine that a test plays: what is
 * below $XDG_STATE_HOME/ccrun/machine stands for what has the same path without that.
 */
#include "client/facts/machine_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *machine_file_path(const char *path, char *out)
{
	const char *dir = getenv("XDG_STATE_HOME");

	if (!dir || snprintf(out, MACHINE_PATH, "%s/ccrun/machine%s", dir, path) >= MACHINE_PATH ||
	    access(out, F_OK) != 0)
		snprintf(out, MACHINE_PATH, "%s", path);
	return out;
}
