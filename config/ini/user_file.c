/*
 * config/ini/user_file.c - changing the user's own configuration files.
 */
#include "config/ini/user_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/file_lock.h"
#include "base/io.h"
#include "config/ini/ini_edit.h"
#include "config/ini/ini_file.h"

#define LOCK_PATIENCE_MS 10000

/* Open and lock the directory of path, which nobody else can write.  A descriptor, or -1. */
static int user_file_lock_dir(const char *path, struct failure *f)
{
	char dir[PATH_SIZE];
	int fd;

	memcpy(dir, path, PATH_SIZE);
	*strrchr(dir, '/') = '\0';
	fd = path_trusted_dir(dir, f);
	if (fd < 0)
		return -1;
	if (file_lock(fd, LOCK_PATIENCE_MS, dir, f) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int user_file_begin(const char *leaf, char path[PATH_SIZE], mode_t *mode, bool *there,
		    struct failure *f)
{
	char real[PATH_MAX];
	struct stat st;
	int fd;

	*mode = 0600;
	*there = false;
	if (path_of(PATH_CONFIG, leaf, path, f) != 0)
		return -1;
	fd = user_file_lock_dir(path, f);
	if (fd < 0)
		return -1;
	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return fd;
		fail_errno(f, NULL, "%s", path);
		goto bad;
	}
	if (!realpath(path, real) || stat(real, &st) != 0 || strlen(real) >= PATH_SIZE) {
		fail_errno(f, NULL, "%s", path);
		goto bad;
	}
	memcpy(path, real, strlen(real) + 1);
	*mode = st.st_mode & 0777;
	*there = true;
	return fd;
bad:
	close(fd);
	return -1;
}

int user_file_set(const char *leaf, const char *section, const char *key, const char *value,
		  struct failure *f)
{
	char path[PATH_SIZE], *text = NULL, *fresh = NULL;
	size_t len = 0, n = 0;
	int lock, r = -1;
	mode_t mode;
	bool there;

	lock = user_file_begin(leaf, path, &mode, &there, f);
	if (lock < 0)
		return -1;
	if (!there && !value) {
		close(lock);
		return 0;
	}
	if ((!there || io_slurp(path, INI_FILE_MAX, &text, &len, f) == 0) &&
	    ini_edit(path, text ? text : "", len, section, key, value, &fresh, &n, f) == 0)
		r = io_replace_file(path, mode, fresh, n, f);
	free(text);
	free(fresh);
	close(lock);
	return r;
}
