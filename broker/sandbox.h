/*
 * broker/sandbox.h - what the serving broker cannot do.
 */
#ifndef BROKER_SANDBOX_H
#define BROKER_SANDBOX_H

struct broker;
struct failure;

/*
 * Restrict this process for the rest of its life, when everything is open:
 *   Landlock, as far as the kernel has it: it uses the directories of the vault and the
 *     audit log (the system broker: of all of them), removes its socket, and reads its
 *     credentials, /proc and what /etc has for everybody.  Nothing else, and it cannot look
 *     into another process: what it must know of one the witness tells.
 *   seccomp, an allow list without exec, without any network but unix sockets, without
 *     ptrace.  The kernel kills the process for any other call.  The system broker's also
 *     has what it takes to open the vault of a user who connects later.
 * 0 or -1.
 */
int sandbox_enter(const struct broker *b, struct failure *f);

/* The version of Landlock that is in force, as the kernel shows now; 0: none is. */
int sandbox_landlock(void);

#endif
