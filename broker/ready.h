/*
 * broker/ready.h - telling a service manager that the broker serves (sd_notify(3)).
 *
 * The manager listens to the first process of its unit alone: the one that waits for the
 * process that serves (proc_fork_hardened) passes it on.
 */
#ifndef BROKER_READY_H
#define BROKER_READY_H

struct failure;

/* Before proc_fork_hardened(true).  Where no manager wants to be told this does nothing.  0 or -1. */
int ready_prepare(struct failure *f);

/* In the process that serves, when it does. */
void ready_tell(void);

#endif
