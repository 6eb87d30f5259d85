/*
 * broker/witness.h - reads links of /proc/PID for a broker that may not.
 *
 * Which program a process runs, where, and in which namespaces, the kernel tells only to who may
 * look into the process: of the user's, outside of every Landlock domain that it is not in
 * itself, and for other users' with CAP_SYS_PTRACE.  The serving broker is in such a domain
 * and without capabilities.  So it forks a *witness* before it enters the sandbox (and
 * before it has a secret), which answers with the target of a link and can do nothing else.
 */
#ifndef BROKER_WITNESS_H
#define BROKER_WITNESS_H

#include <stddef.h>
#include <sys/types.h>

struct failure;

/*
 * Start the witness and give up every capability; CAP_SYS_PTRACE stays with the witness.
 * MUST be called before there is a secret in memory.  0 or -1.
 */
int witness_start(struct failure *f);

/*
 * As proc_link, by the witness, for exe, cwd, ns/user and ns/pid.  errno: the witness's own; or
 * ETIMEDOUT, or EPIPE when it has ended.
 */
int witness_read_link(pid_t pid, const char *leaf, char *out, size_t size);

#endif
