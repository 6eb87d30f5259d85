/*
 * dial/start.h - starting a broker, and other programs that outlive us.
 */
#ifndef DIAL_START_H
#define DIAL_START_H

struct failure;

/*
 * Start ccbroker detached from this process (own session, no inherited
 * descriptors, a bare environment), wait until it serves, and start what watches
 * for suspend and screen lock.  Success too when another broker holds the vault
 * already.  Returns 0, or -1 with what the
 * broker said.
 */
int start_broker(struct failure *f);

/*
 * Start a program that is nobody's child and outlives us, in a session of its
 * own, in the root directory, its standard streams /dev/null.  also: names of
 * variables that it gets besides those that say where our files are (a person's
 * other ones may hold keys), NULL at their end, or NULL for none.  fd3: what it
 * gets as descriptor 3, or -1.  Nothing is waited for and no failure is told.
 */
void start_apart(const char *path, char *const argv[], const char *const *also, int fd3);

#endif
