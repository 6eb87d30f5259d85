/*
 * start/detached.h - starting a program that outlives us.
 */
#ifndef START_DETACHED_H
#define START_DETACHED_H

/*
 * Start a program that is nobody's child, in a session of its own, in the root
 * directory, its standard streams /dev/null.  also: names of variables that it
 * gets besides those that say where our files are (a person's other ones may hold
 * keys), NULL at their end, or NULL for none.  fd3: what it gets as descriptor 3
 * (not 0, 1 or 2), or -1; what keeps the program from running is written there.
 * It is not waited for.  Returns 0, or -1 with errno.
 */
int apart_start(const char *path, char *const argv[], const char *const *also, int fd3);

#endif
