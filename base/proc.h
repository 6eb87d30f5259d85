/*
 * base/proc.h - what /proc says about a process, and the mark.
 *
 * The mark: a process is "marked" when its hard limit RLIMIT_LOCKS is finite.  ccrun
 * marks itself before it executes the client, so that the broker can tell the
 * processes of a session from all others.  Linux has ignored that limit since 2.4,
 * and it has what a mark needs: fork and exec keep it, it cannot be raised without
 * CAP_SYS_RESOURCE, and every process can read it in /proc/PID/limits.
 *
 * What cannot be read is reported as an error, never as "not marked".  About a PID:
 * by itself it does not identify a process, since it may be reused (see
 * proc_stat.start).
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
	char state; /* 'R', 'S', 'Z', ... */
	pid_t ppid;
	uint64_t start;	 /* clock ticks since boot; PID and start identify a process */
	pid_t sid;	 /* of the session of processes that it is in (setsid(2)) */
	unsigned tty;	 /* its controlling terminal, as TIOCGDEV numbers it; 0: none */
	bool foreground; /* it is of that terminal's foreground process group */
	uid_t owner;	 /* of the file /proc/PID/stat: 0 when undumpable (proc(5)) */
	char comm[32];
};

/* Read /proc/PID/stat.  Returns 0, or -1 with errno. */
int proc_stat(pid_t pid, struct proc_stat *out);

/* Is it marked?  1, 0, or -1 with errno when that cannot be told. */
int proc_marked(pid_t pid);

/* Is it marked, with another value than proc_mark_self sets?  false when that cannot be told. */
bool proc_mark_is_foreign(pid_t pid);

/* The PID of its tracer (ptrace(2)), 0 for none, -1 when that cannot be read. */
pid_t proc_tracer(pid_t pid);

/* Does it ignore that signal?  1, 0, or -1 with errno when that cannot be read. */
int proc_ignores(pid_t pid, int sig);

/*
 * Has it a seccomp filter, and can no program give it privileges (no_new_privs)?  1, 0, or -1
 * with errno when that cannot be read.  Neither can be taken off.  Which calls the filter
 * refuses, and whether there is Landlock, is shown to nobody.
 */
int proc_confined(pid_t pid);

/* out = the target of the link /proc/PID/leaf ("exe", "ns/user"), ended with NUL, cut to
 * size.  0, or -1 with errno: EACCES where the caller may not look into the process. */
int proc_link(pid_t pid, const char *leaf, char *out, size_t size);

/*
 * Is it in the caller's user and PID namespaces?  1, 0, or -1 when that cannot be told.
 * read_link is proc_link, or what asks a process that may read the link.
 */
int proc_same_namespaces(pid_t pid,
			 int (*read_link)(pid_t pid, const char *leaf, char *out, size_t size));

/* Is this descriptor a pidfd?  It is close-on-exec then. */
bool proc_keep_pidfd(int fd);

/* Mark the calling process; this cannot be undone.  Returns 0, or -1 with errno. */
int proc_mark_self(void);

/* Is the calling process marked?  1 or 0. */
int proc_self_marked(void);

/*
 * Make the calling process undumpable (PR_SET_DUMPABLE), forbid it core dumps, and
 * verify both.  Returns 0, or -1 with errno.
 */
int proc_harden_self(void);

/*
 * Harden this process, fork, and continue in the child.
 *
 * Between exec and proc_harden_self another process of the same user can open
 * /proc/PID/mem and go on reading through that descriptor, because access is
 * checked only at open.  It refers to this process's memory: the child has its
 * own, and is undumpable from its first instruction.
 *
 * Returns 0 in the child.  The parent does not return: with stay false it ends with
 * status 0 at once; otherwise it waits, passes SIGTERM and SIGHUP on (SIGINT and
 * SIGQUIT reach both from the terminal), and ends as the child did.  -1 with errno
 * in the process that cannot go on: EPERM when it is being traced, or that cannot be told.
 */
int proc_fork_hardened(bool stay);

/*
 * Before proc_fork_hardened(true): the waiting parent calls this when a signal ended the
 * child, which could not put things in order itself after SIGKILL.  Nor does it let the child
 * stand still without itself.
 */
void proc_on_killed(void (*mend)(void));

/* Before proc_fork_hardened(true): what the parent does first, before it waits for the child. */
void proc_on_waiting(void (*first)(void));

#endif
