/*
 * helpers/usage/fetch_sandbox.h - what the process that reads hostile bytes may do.
 */
#ifndef HELPERS_USAGE_FETCH_SANDBOX_H
#define HELPERS_USAGE_FETCH_SANDBOX_H

/*
 * Read what a look-up of names and TLS need of the system, and nothing else:
 * no file of the user, no program, nothing written; no signal to a process
 * outside.  Where the kernel knows Landlock (5.13; signals: 6.12).  Everywhere:
 * the limits on time and files, and the session's mark, so that the broker, which
 * it could connect to, gives it nothing.  Returns 0, or -1 when a kernel refuses
 * what it has.
 */
int fetch_sandbox_enter(void);

#endif
