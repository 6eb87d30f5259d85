/*
 * start/watcher.h - starting ccrun-logind, which locks the vault when the
 * computer sleeps, the screen is locked, or its user logs out.
 */
#ifndef START_WATCHER_H
#define START_WATCHER_H

/*
 * Start ccrun-logind, detached, with the environment of detached_start.  It is not
 * waited for, and no failure is reported: it ends by itself where there is no login
 * manager, and where the broker has a watcher already.
 */
void watcher_start(void);

#endif
