/*
 * base/proc.h - what /proc says of a process, and the mark.
 *
 * The mark: a finite hard RLIMIT_LOCKS.  Linux has ignored that limit since
 * 2.4; it is inherited by everything that a process starts, cannot be raised
 * without CAP_SYS_RESOURCE, and everyone can read it in /proc/PID/limits.
 * Every function treats what it cannot read as an error, never as a no.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
	char state;	    /* 'R', 'S', 'Z', ... */
	pid_t ppid;
	uint64_t start;	    /* clock ticks since boot: pid + start is one process */
	uid_t owner;	    /* of /proc/PID/stat: 0 when undumpable (proc(5)) */
	char comm[32];
};

/* Read /proc/PID/stat.  Returns 0, -1 with errno. */
int proc_stat(pid_t pid, struct proc_stat *out);

/* 1: marked, 0: not, -1: cannot tell (errno). */
int proc_marked(pid_t pid);

/* The TracerPid of PID: 0 when nobody traces it, -1 when it cannot be read. */
pid_t proc_tracer(pid_t pid);

/* Same user and pid namespace as the caller's?  1, 0, -1 cannot tell. */
int proc_same_namespaces(pid_t pid);

/* readlink /proc/PID/exe into out (NUL-terminated).  0 or -1 with errno. */
int proc_exe(pid_t pid, char *out, size_t size);

/*
 * Mark the calling process, for ever.  Idempotent.  Returns 0 or -1 (errno).
 */
int proc_mark_self(void);

/* Is the calling process marked?  1 or 0. */
int proc_self_marked(void);

/*
 * Make the calling process undumpable and core-less, and verify both.
 * Returns 0 or -1 with errno.
 */
int proc_harden_self(void);

/*
 * Harden, then go on in a child whose memory was never open to anyone.
 *
 * Between exec and proc_harden_self another process of the same user can open
 * /proc/PID/mem, and that descriptor goes on reading afterwards (access is
 * checked at open).  A fork's memory is another one, and it is born
 * undumpable.  Returns 0 in the child.  The parent, which has seen nothing,
 * either ends (stay false) or waits, passes SIGTERM and SIGHUP on (a terminal
 * sends SIGINT and SIGQUIT to both by itself) and ends as the child did; it does not return.  -1 with errno: nothing was done,
 * or (EPERM) somebody traces us.
 */
int proc_fork_hardened(bool stay);

#endif
