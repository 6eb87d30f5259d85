/*
 * sandbox/landlock.h - what a process may read, and where it may connect to, for the rest
 * of its life (landlock(7), Linux 5.13).
 */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct landlock_rules {
	/* Directories with all below them, and files.  Links are followed now: a rule is
	   for the target.  What does not exist is left out. */
	const char *const *readable;
	size_t readable_count;
	/* TCP ports to connect to (Linux 6.7).  limit_ports: these alone, and none to
	   listen on. */
	const uint16_t *ports;
	size_t port_count;
	bool limit_ports;
	/* Connect to no abstract unix socket made outside (Linux 6.12). */
	bool scope_sockets;
};

/*
 * Enter it.  The process can then read only what the rules name, write no file, run no
 * program, and (Linux 6.12) send signals only within the sandbox.  It must have set
 * PR_SET_NO_NEW_PRIVS.  A kernel without Landlock, or without a part of it, goes
 * without.  Returns 0; -1 with errno if a kernel that has it refuses the rules.
 */
int landlock_restrict(const struct landlock_rules *rules);

/* The kernel's version of Landlock, from 1; -1 with errno: it has none, or it is off. */
int landlock_abi(void);

/* The version that can do landlock_scope: Linux 6.12. */
#define LANDLOCK_ABI_SCOPE 6

/*
 * Enter a sandbox that touches no file and no network: from then on this process and
 * what it starts signal, trace and look into no process outside.  It must have set
 * PR_SET_NO_NEW_PRIVS.  Returns 0; -1 with errno, E2BIG: it is in 16 of them already.
 */
int landlock_scope(void);

#endif
