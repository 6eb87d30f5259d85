/*
 * client/facts/machine_file.c - the path as it is.
 */
#include "client/facts/machine_file.h"

#include <stdio.h>

const char *machine_file_path(const char *path, char *out)
{
	snprintf(out, MACHINE_PATH, "%s", path);
	return out;
}
