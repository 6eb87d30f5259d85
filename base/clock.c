/*
 * base/clock.c - what time it is.  Alone in its file, so that tests can link a
 * broker with a clock that they move (tests/lib/clock.c).
 */
#include <time.h>

#include "base/io.h"

int64_t io_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
