/*
 * start/watcher.c - starting ccrun-logind.
 */
#include "start/watcher.h"

#include <stddef.h>
#include <unistd.h>

#include "base/paths.h"
#include "start/detached.h"

void watcher_start(void)
{
	static const char *const argv[] = { "ccrun-logind", NULL };
	char path[PATH_SIZE];

	if (path_installed("libexec/ccrun/ccrun-logind", path, NULL) == 0 &&
	    access(path, X_OK) == 0)
		detached_start(path, argv, NULL, -1, 0);
}
