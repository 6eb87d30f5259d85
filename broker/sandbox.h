/*
 * broker/sandbox.h - what the serving broker may still ask of the kernel.
 */
#ifndef BROKER_SANDBOX_H
#define BROKER_SANDBOX_H

#include <stdbool.h>

struct failure;

/*
 * Put the process into a seccomp filter: an allow list without exec, without
 * any network but unix sockets, without ptrace or opening other processes'
 * memory.  What is not on it ends the process.  system: it may open the stores of
 * users who come later.  0 or -1.
 */
int sandbox_enter(bool system, struct failure *f);

#endif
