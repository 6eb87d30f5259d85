/*
 * broker/witness.h - what a process runs, for the record.
 *
 * A user's broker asks /proc itself.  A system broker is another user's
 * process, and /proc tells such a one nothing without CAP_SYS_PTRACE; so it
 * forks a witness, which keeps that capability, answers this one question, and
 * holds nothing else.
 */
#ifndef BROKER_WITNESS_H
#define BROKER_WITNESS_H

#include <stddef.h>
#include <sys/types.h>

struct failure;

/* Fork the witness and give up every capability.  Before there is a secret.
 * 0 or -1.  Without CAP_SYS_PTRACE there is no witness, and no image on record. */
int witness_start(struct failure *f);

/* readlink /proc/PID/exe, by the witness where there is one.  0 or -1. */
int witness_read_exe(pid_t pid, char *out, size_t size);

#endif
