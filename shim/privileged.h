/*
 * shim/privileged.h - sudo and its like, which confinement takes from a session.
 */
#ifndef SHIM_PRIVILEGED_H
#define SHIM_PRIVILEGED_H

struct failure;

/* Below the installation: sudo, su, doas, pkexec, which are ccrun by these names. */
#define CONFINED_DIR "libexec/ccrun/confined"

/*
 * This program was called by such a name.  Run the real one, the next in PATH; or, where
 * it could gain no privileges, say why and how to have it.  Returns the exit status of a
 * failure, with f set.
 */
int privileged_run(const char *name, char **argv, struct failure *f);

#endif
