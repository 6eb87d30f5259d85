/*
 * base/io.c - bounded input and output with deadlines, small files, and wiping.
 */
#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fail.h"

/* Local disks; but home directories may be on a network. */
#define FILE_READ_MS 10000
#define FILE_WRITE_MS 30000

#ifndef RENAME_NOREPLACE /* musl has it not */
#define RENAME_NOREPLACE 1
#endif

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

ssize_t io_read_at(int fd, void *buf, size_t n, off_t at)
{
	size_t have = 0;
	ssize_t r;

	while (have < n) {
		r = pread(fd, (char *)buf + have, n - have, at + (off_t)have);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		have += (size_t)r;
	}
	return (ssize_t)have;
}

ssize_t io_read_known(int fd, void *buf, size_t n, off_t size)
{
	return io_read_at(fd, buf, size < (off_t)n ? (size_t)size : n, 0);
}

int io_write_at(int fd, const void *buf, size_t n, off_t at)
{
	size_t done = 0;
	ssize_t r;

	while (done < n) {
		r = pwrite(fd, (const char *)buf + done, n - done, at + (off_t)done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		done += (size_t)r;
	}
	return 0;
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

/* The directory of path.  -1 with errno: it is too long. */
static int path_directory(const char *path, char out[4096])
{
	char copy[4096];

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(out, dirname(copy));
	return 0;
}

int io_sync_parent(const char *path)
{
	char directory[4096];
	int fd, r;

	if (path_directory(path, directory) != 0)
		return -1;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = fsync(fd);
	close(fd);
	return r;
}

int io_remove_file(const char *path)
{
	return unlink(path) == 0 ? io_sync_parent(path) : -1;
}

/* ---- files that take their place whole ---- */

/* Long, so that no file of a person's has such a name by chance. */
#define TEMP_MARK ".ccrun-unfinished-"
#define TEMP_END "XXXXXX"

/* One of ours whose writer is no more: it would hold the lock.  Root's may have been meant for
 * the directory's owner. */
static void temp_remove_abandoned(int dir, const char *leaf)
{
	int fd = openat(dir, leaf, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st, above;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fstat(dir, &above) == 0 &&
	    (st.st_uid == geteuid() || st.st_uid == above.st_uid) &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(dir, leaf, 0);
	close(fd);
}

/* What programs that were killed had begun to write in that directory. */
static void temp_sweep(const char *directory)
{
	size_t mark = strlen(TEMP_MARK);
	struct dirent *e;
	DIR *d = opendir(directory);

	while (d && (e = readdir(d)))
		if (strncmp(e->d_name, TEMP_MARK, mark) == 0 &&
		    strlen(e->d_name + mark) == strlen(TEMP_END))
			temp_remove_abandoned(dirfd(d), e->d_name);
	if (d)
		closedir(d);
}

int io_temp_open(const char *path, char *tmp, size_t size)
{
	char directory[4096];
	struct stat st;
	int fd, i;

	if (path_directory(path, directory) != 0)
		return -1;
	temp_sweep(directory);
	/* Another program's sweep may come before the lock. */
	for (i = 0; i < 10; i++) {
		if (snprintf(tmp, size, "%s/" TEMP_MARK TEMP_END, directory) >= (int)size) {
			errno = ENAMETOOLONG;
			return -1;
		}
		fd = mkostemp(tmp, O_CLOEXEC);
		if (fd < 0)
			return -1;
		/* Where locks are not to be had nobody sweeps. */
		if ((flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
		    fstat(fd, &st) == 0 && st.st_nlink > 0)
			return fd;
		close(fd);
	}
	errno = EBUSY;
	return -1;
}

/* Give it its name; keep: one that is there already is an error. */
static int temp_place(const char *tmp, const char *path, bool keep)
{
	if (!keep)
		return rename(tmp, path);
	/* Old kernels and some file systems have it not; a link replaces nothing, too, but then
	 * there are two names for a moment. */
	if (syscall(SYS_renameat2, AT_FDCWD, tmp, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST || link(tmp, path) != 0)
		return -1;
	return unlink(tmp);
}

struct new_file {
	mode_t mode;
	uid_t owner; /* (uid_t)-1 and (gid_t)-1: what a new file gets */
	gid_t group;
	bool keep; /* path must not be there */
	const char *hint;
};

static int file_put(const char *path, const struct new_file *as, const void *buf, size_t n,
		    struct failure *f)
{
	char tmp[4096];
	int fd = io_temp_open(path, tmp, sizeof(tmp));

	if (fd < 0)
		return fail_errno(f, as->hint, "%s", path);
	if (as->group != (gid_t)-1 && fchown(fd, (uid_t)-1, as->group) != 0) {
		fail_errno(f, "give it a group that you are in", "%s: its group cannot be kept",
			   path);
		goto bad;
	}
	if (io_write_all(fd, buf, n, clock_now_ms() + FILE_WRITE_MS) != 0 ||
	    fchmod(fd, as->mode) != 0 ||
	    (as->owner != (uid_t)-1 && fchown(fd, as->owner, (gid_t)-1) != 0) || fsync(fd) != 0) {
		fail_errno(f, "is the disk full?", "%s", path);
		goto bad;
	}
	if (temp_place(tmp, path, as->keep) != 0) {
		fail_errno(f, as->hint, "%s", path);
		goto bad;
	}
	close(fd);
	if (io_sync_parent(path) != 0) {
		fail_errno(f, NULL, "%s: directory", path);
		if (as->keep)
			unlink(path);
		return -1;
	}
	return 0;
bad:
	close(fd);
	unlink(tmp);
	return -1;
}

int io_replace_file(const char *path, mode_t mode, const void *buf, size_t n, struct failure *f)
{
	struct new_file as = { .mode = mode, .owner = (uid_t)-1, .group = (gid_t)-1 };

	return file_put(path, &as, buf, n, f);
}

int io_replace_file_like(const char *path, const struct stat *st, const void *buf, size_t n,
			 struct failure *f)
{
	struct new_file as = { .mode = st->st_mode & 07777,
			       .owner = (uid_t)-1,
			       .group = st->st_gid };

	return file_put(path, &as, buf, n, f);
}

static int file_put_new(const char *path, const struct new_file *as, const void *buf, size_t n,
			struct failure *f)
{
	char directory[4096];
	struct stat st;

	if (lstat(path, &st) == 0) {
		if (path_directory(path, directory) == 0)
			temp_sweep(directory);
		errno = EEXIST;
		return fail_errno(f, as->hint, "%s", path);
	}
	return file_put(path, as, buf, n, f);
}

int io_create_file(const char *path, const void *buf, size_t n, const char *hint, struct failure *f)
{
	struct new_file as = {
		.mode = 0600, .owner = (uid_t)-1, .group = (gid_t)-1, .keep = true, .hint = hint
	};

	return file_put_new(path, &as, buf, n, f);
}

int io_create_file_for(const char *path, mode_t mode, uid_t owner, const void *buf, size_t n,
		       struct failure *f)
{
	struct new_file as = { .mode = mode,
			       .owner = owner == geteuid() ? (uid_t)-1 : owner,
			       .group = (gid_t)-1,
			       .keep = true };

	return file_put_new(path, &as, buf, n, f);
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

int io_flush(FILE *to)
{
	if (fflush(to) != 0)
		return -1;
	if (!ferror(to))
		return 0;
	errno = EIO;
	return -1;
}

void io_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}
