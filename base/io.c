/*
 * base/io.c - bounded input and output with deadlines, small files, and wiping.
 */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"

/* Local disks; but home directories may be on a network. */
#define FILE_READ_MS 10000
#define FILE_WRITE_MS 30000

int io_wait(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int r;

	for (;;) {
		left = deadline - clock_now_ms();
		if (left < 0)
			left = 0;
		if (left > 1000 * 1000)
			left = 1000 * 1000;
		r = poll(&p, 1, (int)left);
		if (r > 0)
			return 1;
		if (r == 0 && clock_now_ms() >= deadline)
			return 0;
		if (r < 0 && errno != EINTR)
			return -1;
	}
}

int io_write_all(int fd, const void *buf, size_t n, int64_t deadline)
{
	const char *p = buf;
	ssize_t w;
	int r;

	while (n > 0) {
		r = io_wait(fd, POLLOUT, deadline);
		if (r <= 0) {
			if (r == 0)
				errno = ETIMEDOUT;
			return -1;
		}
		w = write(fd, p, n);
		if (w < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			return -1;
		}
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

ssize_t io_read_all(int fd, void *buf, size_t max, int64_t deadline)
{
	char *p = buf;
	size_t have = 0;
	char extra;
	ssize_t r;
	int w;

	for (;;) {
		w = io_wait(fd, POLLIN, deadline);
		if (w <= 0) {
			if (w == 0)
				errno = ETIMEDOUT;
			return -1;
		}
		r = have < max ? read(fd, p + have, max - have) : read(fd, &extra, 1);
		if (r < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			return -1;
		}
		if (r == 0)
			return (ssize_t)have;
		if (have >= max) {
			io_wipe(&extra, 1);
			errno = EFBIG;
			return -1;
		}
		have += (size_t)r;
	}
}

int io_slurp(const char *path, size_t max, char **out, size_t *len, struct failure *f)
{
	char *buf = NULL;
	struct stat st;
	ssize_t n;
	int fd, ret = -1;

	/* O_NONBLOCK: do not wait for the writer of a FIFO. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail_errno(f, NULL, "%s", path);
	if (fstat(fd, &st) != 0) {
		fail_errno(f, NULL, "%s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		fail_set(f, FAIL_BAD_VALUE, NULL, "%s: not a regular file", path);
		goto out;
	}
	buf = malloc(max + 1);
	if (!buf) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "%s: no memory", path);
		goto out;
	}
	n = io_read_all(fd, buf, max, clock_now_ms() + FILE_READ_MS);
	if (n < 0) {
		if (errno == EFBIG)
			fail_set(f, FAIL_TOO_LARGE, NULL, "%s: larger than %zu bytes", path, max);
		else
			fail_errno(f, NULL, "%s", path);
		goto out;
	}
	buf[n] = '\0';
	*out = buf;
	*len = (size_t)n;
	buf = NULL;
	ret = 0;
out:
	free(buf);
	close(fd);
	return ret;
}

int io_sync_parent(const char *path)
{
	char copy[4096];
	int fd, r;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = fsync(fd);
	close(fd);
	return r;
}

/* group: (gid_t)-1 for the one that a new file gets. */
static int file_replace(const char *path, mode_t mode, gid_t group, const void *buf, size_t n,
			struct failure *f)
{
	char tmp[4096];
	int fd;

	if (snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path) >= (int)sizeof(tmp))
		return fail_set(f, FAIL_TOO_LARGE, NULL, "%s: path too long", path);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return fail_errno(f, NULL, "%s", tmp);
	if (group != (gid_t)-1 && fchown(fd, (uid_t)-1, group) != 0) {
		fail_errno(f, "give it a group that you are in", "%s: its group cannot be kept",
			   path);
		close(fd);
		unlink(tmp);
		return -1;
	}
	if (io_write_all(fd, buf, n, clock_now_ms() + FILE_WRITE_MS) != 0 ||
	    fchmod(fd, mode) != 0 || fsync(fd) != 0) {
		fail_errno(f, NULL, "%s", tmp);
		close(fd);
		unlink(tmp);
		return -1;
	}
	if (close(fd) != 0 || rename(tmp, path) != 0) {
		fail_errno(f, NULL, "%s", path);
		unlink(tmp);
		return -1;
	}
	if (io_sync_parent(path) != 0)
		return fail_errno(f, NULL, "%s: directory", path);
	return 0;
}

int io_replace_file(const char *path, mode_t mode, const void *buf, size_t n, struct failure *f)
{
	return file_replace(path, mode, (gid_t)-1, buf, n, f);
}

int io_replace_file_like(const char *path, const struct stat *st, const void *buf, size_t n,
			 struct failure *f)
{
	return file_replace(path, st->st_mode & 07777, st->st_gid, buf, n, f);
}

int io_create_file(const char *path, const void *buf, size_t n, const char *hint, struct failure *f)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail_errno(f, hint, "%s", path);
	if (io_write_all(fd, buf, n, clock_now_ms() + FILE_WRITE_MS) == 0 && fsync(fd) == 0 &&
	    io_sync_parent(path) == 0) {
		close(fd);
		return 0;
	}
	fail_errno(f, "is the disk full?", "%s", path);
	close(fd);
	unlink(path);
	return -1;
}

int io_open_standard_streams(void)
{
	int fd;

	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) != fd)
			return -1;
	return 0;
}

void io_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}
