/*
 * sandbox/deny_list.h - a seccomp filter for a program that links large libraries.
 *
 * A list of what is allowed would break with each release of libcurl, GLib and glibc's
 * resolver.  This one refuses (EPERM) what no program here needs and who takes one over
 * would like: ptrace and its relatives, namespaces, mounts, keyrings, io_uring, bpf.
 */
#ifndef SANDBOX_DENY_LIST_H
#define SANDBOX_DENY_LIST_H

struct failure;

/* What a program does not need either. */
enum deny {
	DENY_EXEC = 1,	  /* running programs */
	DENY_NETWORK = 2, /* sockets other than unix ones */
	DENY_SIGNALS = 4, /* signals to other processes; threads and abort() go on */
};

/*
 * Enter it: for this process, what it starts, and for ever.  It sets PR_SET_NO_NEW_PRIVS.
 * DENY_SIGNALS is for a process that does not fork any more: a child could not abort().
 * Returns 0, or -1 with f set.
 */
int deny_list_enter(unsigned also, struct failure *f);

#endif
