/*
 * start/detached.h - starting a program of ccrun's that outlives its starter.
 */
#ifndef START_DETACHED_H
#define START_DETACHED_H

#include <stdint.h>

/*
 * Start a program in a session of its own, adopted by init, in the root directory,
 * with /dev/null as standard streams.  Of the environment it gets the variables
 * that say where ccrun's files are and those named in also (ends with NULL; may be
 * NULL); others may hold keys.  fd3: what it gets as descriptor 3, or -1.
 * deadline (clock_now_ms): wait until then for the exec, and report its failure; 0: do
 * not wait.  Returns 0, or -1 with errno.
 */
int detached_start(const char *path, const char *const argv[], const char *const *also, int fd3,
		   int64_t deadline);

#endif
