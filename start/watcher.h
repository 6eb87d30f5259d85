/*
 * start/watcher.h - starting ccrun-logind, which locks the vault when the
 * computer sleeps, the screen is locked, or its user logs out.
 */
#ifndef START_WATCHER_H
#define START_WATCHER_H

/*
 * Start ccrun-logind, detached, in a bare environment.  A second one for a
 * broker ends by itself, and so does one where no login manager is: it is not
 * waited for, and a failure is not reported.
 */
void watcher_start(void);

#endif
