/*
 * git/git_file.c - opening and reading files in a .git directory.
 */
#include "git/git_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

bool git_path_join(char *out, const char *dir, const char *name)
{
	size_t d = strlen(dir), n = strlen(name);

	if (name[0] == '/')
		d = 0;
	if (d + 1 + n >= GIT_PATH)
		return false;
	memmove(out, dir, d);
	if (name[0] != '/')
		out[d++] = '/';
	memcpy(out + d, name, n + 1);
	return true;
}

int git_file_open(const char *dir, const char *name, bool follow, struct stat *st)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, fd;
	char path[GIT_PATH];

	if (!git_path_join(path, dir, name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* openat: the open() of musl calls fcntl(F_SETFD) after it, for old kernels. */
	fd = openat(AT_FDCWD, path, flags | O_NOFOLLOW);
	if (fd < 0 && errno == ELOOP && follow) {
		/* stat() first: opening a device can have side effects. */
		if (stat(path, st) != 0)
			return -1;
		if (S_ISREG(st->st_mode))
			fd = open(path, flags);
	}
	if (fd < 0)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

ssize_t git_file_read(const char *dir, const char *name, bool follow, char *buf, size_t size)
{
	struct stat st;
	ssize_t n;
	int fd;

	fd = git_file_open(dir, name, follow, &st);
	if (fd < 0)
		return -1;
	n = io_read_known(fd, buf, size - 1, st.st_size);
	close(fd);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

bool git_file_read_line(const char *dir, const char *name, bool follow, char *buf, size_t size)
{
	ssize_t n = git_file_read(dir, name, follow, buf, size);
	size_t len;

	if (n <= 0)
		return false;
	len = strcspn(buf, "\n");
	if (len == size - 1)
		return false;
	while (len > 0 && isspace((unsigned char)buf[len - 1]))
		len--;
	buf[len] = '\0';
	return len > 0;
}
