/*
 * shim/library.c - finding libccrun.so, and copying it.
 */
#include "shim/library.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/roots.h"
#include "base/sealed.h"

#define LIBRARY_MAX (8 * 1024 * 1024) /* bytes; with symbols it has 200 KiB */
#define PLACE_LEAST 20		      /* scripts use the numbers below 10, shells those above */

/* Does the system let a program's code be in there? */
static int copy_check(int fd)
{
	void *p = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	return p == MAP_FAILED ? -1 : munmap(p, 1);
}

/* A sealed copy of the file that is open as fd.  Its descriptor, or -1 with errno. */
static int library_copy(int fd)
{
	int copy = sealed_copy(fd, "libccrun.so", LIBRARY_MAX), place = -1, error;

	if (copy < 0)
		return -1;
	if (copy_check(copy) == 0)
		place = fcntl(copy, F_DUPFD_CLOEXEC, PLACE_LEAST);
	error = errno;
	close(copy);
	errno = error;
	return place;
}

/* MUST: what is looked at is what is copied: fd stays open from one to the other. */
static int library_choose(struct library *l, int fd, struct failure *f)
{
	if (path_check_roots(l->path, NULL) == 0 || !control_active(CONTROL_LIBRARY_COPY))
		return 0;
	l->fd = library_copy(fd);
	if (l->fd >= 0) {
		snprintf(l->path, sizeof(l->path), "/proc/self/fd/%d", l->fd);
		return 0;
	}
	snprintf(l->note, sizeof(l->note), "no sealed copy of libccrun.so can be used here (%s)",
		 strerror(errno));
	if (strpbrk(l->path, " \t:;"))
		return fail_set(f, FAIL_UNSAFE_PATH, NULL,
				"%.150s has a space or colon in its path, which LD_PRELOAD cannot "
				"name",
				l->path);
	return 0;
}

int library_find(struct library *l, struct failure *f)
{
	char dir[PATH_SIZE];
	int fd, d = -1, r = -1;

	memset(l, 0, sizeof(*l));
	l->fd = -1;
	if (path_installed("lib/ccrun/libccrun.so", l->path, NULL) != 0 ||
	    path_installed("lib/ccrun", dir, NULL) != 0)
		return fail_set(f, FAIL_CONFIG, NULL, "libccrun.so cannot be found");
	fd = open(l->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_set(f, FAIL_CONFIG, NULL, "%.200s cannot be read", l->path);
	/* Who can write the directory can replace the library. */
	d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d < 0 || path_check_trusted(d, dir, NULL) != 0 ||
	    path_check_trusted(fd, l->path, NULL) != 0)
		fail_set(f, FAIL_UNSAFE_PATH, NULL, "%.200s can be changed by others", l->path);
	else
		r = library_choose(l, fd, f);
	if (d >= 0)
		close(d);
	close(fd);
	return r;
}
