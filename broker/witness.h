/*
 * broker/witness.h - which executable a process runs, and where, for the audit log and for
 * a person who is asked.
 *
 * A user broker reads /proc/PID/exe and /proc/PID/cwd itself.  The system broker has another uid than
 * its clients and may read these links with CAP_SYS_PTRACE only.  So it forks a
 * *witness*, which keeps that capability, reads such links on request, and holds no
 * secret; the broker gives the capability up.
 */
#ifndef BROKER_WITNESS_H
#define BROKER_WITNESS_H

#include <stddef.h>
#include <sys/types.h>

struct failure;

/* Fork the witness and give up every capability.  MUST be called before there is a
 * secret in memory.  0 or -1.  Without CAP_SYS_PTRACE there is no witness, and the
 * audit log has no image. */
int witness_start(struct failure *f);

/* The target of /proc/PID/exe into out (size bytes), from the witness where there is
 * one.  0 or -1. */
int witness_read_exe(pid_t pid, char *out, size_t size);

/* The same of /proc/PID/cwd. */
int witness_read_cwd(pid_t pid, char *out, size_t size);

#endif
