/*
 * dial/start.h - starting a broker.
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
 * The environment of a process that outlives us: where our files are, and
 * nothing else, for a person's may hold keys.  also: one more variable that is
 * passed on, or NULL.  NULL: no memory.
 */
char **start_environment(const char *also);
void start_environment_free(char **env); /* NULL-safe */

#endif
