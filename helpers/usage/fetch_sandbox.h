/*
 * helpers/usage/fetch_sandbox.h - the sandbox of the process that reads untrusted bytes.
 */
#ifndef HELPERS_USAGE_FETCH_SANDBOX_H
#define HELPERS_USAGE_FETCH_SANDBOX_H

/*
 * Restrict this process for the rest of its life.
 *   Landlock (Linux 5.13): it can read only the system files that name resolution and
 *     TLS need, write no file and run no program; with Linux 6.12 it can send signals
 *     only within the sandbox.
 *   seccomp (sandbox/deny_list.h): no program, no signal to another process, no looking
 *     into one.
 *   On all kernels: limits on CPU time and written files, no_new_privs, and the mark of
 *     a session, so that the broker gives it nothing if it connects.
 * Returns 0; -1 if a kernel that has Landlock refuses the rules, or another call fails.
 */
int fetch_sandbox_enter(void);

#endif
