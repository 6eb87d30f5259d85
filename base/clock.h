/*
 * base/clock.h - the clock that deadlines are measured with, and the calendar's.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * Milliseconds of CLOCK_BOOTTIME, which is never set back and runs on during
 * suspend.  A "deadline" anywhere in the tree is a value of this clock.
 */
int64_t clock_now_ms(void);

/* Seconds since the epoch, of the clock on the wall, which people and programs set. */
int64_t clock_wall(void);

#endif
