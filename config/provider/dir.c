/*
 * config/provider/dir.c - the two directories that have the files of providers.
 */
#include "config/provider/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fail.h"

int provider_dir_open(bool shipped, char path[PATH_SIZE], int *fd, struct failure *f)
{
	int r = shipped ? path_installed("share/ccrun/providers", path, f)
			: path_of(PATH_CONFIG, "providers", path, f);

	*fd = -1;
	if (r != 0)
		return -1;
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return errno == ENOENT ? 0 : fail_errno(f, NULL, "%s", path);
	if (path_check_trusted(*fd, path, f) != 0) {
		close(*fd);
		*fd = -1;
		return -1;
	}
	return 0;
}
