/*
 * relay/deadline.h - how long poll(2) may wait, which the first of many deadlines decides.
 */
#ifndef RELAY_DEADLINE_H
#define RELAY_DEADLINE_H

#include <stdint.h>

#include "base/clock.h"

/* Shortens *timeout (ms; -1: for ever) so that the wait ends at `at`, which may be over. */
static inline void deadline_shorten(int64_t at, int *timeout)
{
	int64_t left = at - clock_now_ms();

	if (left < 0)
		left = 0;
	if (*timeout < 0 || left < *timeout)
		*timeout = (int)left;
}

#endif
