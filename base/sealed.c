/*
 * base/sealed.c - a memfd, filled and sealed.
 */
#include "base/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

/* Linux 6.3 may be told (vm.memfd_noexec = 2) to make none without NOEXEC_SEAL, which older
 * ones do not know. */
static int sealed_make(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

static int sealed_fill(int to, int from, size_t max)
{
	char part[16384];
	size_t all = 0;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = read(from, part, sizeof(part))) != 0) {
		all += n > 0 ? (size_t)n : 0;
		if (all > max)
			errno = EFBIG;
		if (n < 0 || all > max)
			r = -1;
		else
			r = io_write_all(to, part, (size_t)n, INT64_MAX);
	}
	/* It may have been the key of a client certificate. */
	io_wipe(part, sizeof(part));
	return r;
}

int sealed_copy(int from, const char *name, size_t max)
{
	int fd = sealed_make(name), error;

	if (fd >= 0 && sealed_fill(fd, from, max) == 0 && lseek(fd, 0, SEEK_SET) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
		return fd;
	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}
