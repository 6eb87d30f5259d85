/*
 * start/watcher.h - starting the program that locks the vault when the computer
 * sleeps, the screen is locked, or its user logs out.
 */
#ifndef START_WATCHER_H
#define START_WATCHER_H

/*
 * Start ccrun-logind, detached, in a bare environment.  A second one for a
 * broker ends by itself, and so does one where no login manager is: nothing is
 * waited for, and nothing is said.
 */
void watch_start(void);

#endif
