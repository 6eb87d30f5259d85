/*
 * broker/sandbox.h - the seccomp filter that the broker serves under.
 */
#ifndef BROKER_SANDBOX_H
#define BROKER_SANDBOX_H

#include <stdbool.h>

struct failure;

/*
 * Put the process into a seccomp filter: an allow list without exec, without any
 * network but unix sockets, without ptrace or opening other processes' memory.  The
 * kernel kills the process for any other call.  system: also allow what it takes to
 * open the vault of a user who connects later.  0 or -1.
 */
int sandbox_enter(bool system, struct failure *f);

#endif
