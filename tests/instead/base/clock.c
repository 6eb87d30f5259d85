/*
 * tests/instead/base/clock.c - clocks that a test moves: the boot clock and as many
 * milliseconds more as $XDG_STATE_HOME/ccrun/clock says, and the calendar's with as
 * many seconds more as $XDG_STATE_HOME/ccrun/wall says.
 *
 * The file is opened each time: a broker closes what it inherits, starts with a
 * handful of variables (that one is among them), and may open files there.  A relay
 * may open none, and has no such variable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* The number in that file, or what it was last. */
static int64_t read_offset(const char *leaf, int64_t last)
{
	const char *dir = getenv("XDG_STATE_HOME");
	char path[4096], text[32];
	int fd, was = errno;
	ssize_t n = 0;

	if (!dir)
		return last;
	snprintf(path, sizeof(path), "%s/ccrun/%s", dir, leaf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n > 0) {
		text[n] = '\0';
		last = strtoll(text, NULL, 10);
	}
	errno = was;
	return last;
}

int64_t clock_now_ms(void)
{
	static int64_t last; /* a boot clock does not go back */
	struct timespec t;

	last = read_offset("clock", last);
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + last;
}

int64_t clock_wall(void)
{
	return (int64_t)time(NULL) + read_offset("wall", 0);
}
