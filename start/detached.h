/*
 * start/detached.h - starting a program of ccrun's that outlives its starter.
 */
#ifndef START_DETACHED_H
#define START_DETACHED_H

#include <stdint.h>

/*
 * Start a program as nobody's child, in a session of its own, in the root
 * directory, its standard streams /dev/null.  Of the environment it gets the
 * variables that say where ccrun's files are and those that also names (ends
 * with NULL; may be NULL): others may hold keys.  fd3: what it gets as
 * descriptor 3, or -1.  deadline: wait until it runs, no longer than that
 * (io_now_ms), so that an exec that fails is an error; 0: do not wait.  Returns 0,
 * or -1 with errno.
 */
int detached_start(const char *path, const char *const argv[], const char *const *also, int fd3,
		   int64_t deadline);

#endif
