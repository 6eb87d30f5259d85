/*
 * base/spawn.h - starting other programs: fork, set up, exec, wait.
 *
 * The caller fills a struct spawn; what is left zero is inherited, as by fork
 * and exec.  An exec that fails is the caller's errno, not an exit status.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SPAWN_FDS 4
#define SPAWN_NULL (-1) /* in place of a descriptor: /dev/null, for reading and writing */

struct spawn_fd {
	int theirs; /* the number it has in the program */
	int ours;   /* what it is here, or SPAWN_NULL */
};

struct spawn {
	const char *path;	 /* the program's file; NULL: what `program` is open on */
	int program;		 /* (O_PATH will do); no script, and the program does not get it */
	const char *const *argv; /* ends with NULL */
	bool search;		 /* path is a name that is looked up in PATH; with dir = "/" not
				  * where we were started, which PATH may lead to */

	/* The environment: env when it is set, else ours without what drop() returns true for. */
	char *const *env;
	bool (*drop)(const char *entry); /* "NAME=value" */

	/* Descriptors, however the two numberings overlap. */
	struct spawn_fd fd[SPAWN_FDS];
	unsigned fds;
	bool close_others; /* close all above both 2 and those in fd (Linux 5.9; else
			    * only what is close-on-exec) */

	/* Signals. */
	const int *defaults; /* these get their default action; ends with 0 */
	bool all_defaults;   /* every signal does */
	bool unblocked;	     /* none is blocked */
	int death_signal;    /* what it gets when we end before it, or 0 */

	/* Where it runs. */
	const char *dir; /* its working directory, or NULL: ours */
	bool group;	 /* it leads a process group of its own */
	bool foreground; /* that group gets the terminal on our standard input; the
			       * caller has SIGTTOU blocked */
	bool session;	 /* it leads a session of its own */
	bool no_network; /* in a user and a network namespace of its own, as the same user:
			  * it reaches what is in files, unix sockets too, and no host.
			  * EPERM, ENOSPC, ... where the system has none to give */
	bool marked;	 /* it bears the mark (base/proc.h) */
	/* Restricts it further, the last thing before the program: 0, or -1 with errno.  Between
	 * fork and exec: nothing that allocates or locks.  NULL: nothing more. */
	int (*restrict_more)(void);

	int64_t deadline; /* for the exec (clock_now_ms), or 0: none */
};

/*
 * Start it and wait until it runs.  Returns its pid, which the caller waits for;
 * or -1 with errno, and there is no child: it could not be set up, exec failed
 * (ENOENT, EACCES, ...), or the deadline passed before that (ETIMEDOUT).
 */
pid_t spawn_start(const struct spawn *s);

/*
 * Start it in a session of its own, as nobody's child: init, or the nearest
 * subreaper, waits for it.  A process that leads a session can open a terminal
 * and get it as its own, so the program is not the session's leader.  report:
 * wait until it runs; without it (where that would be a delay) what goes wrong
 * after the first fork stays unknown.  Either way it has no descriptor of ours but
 * those that it is given, or keeps, by the time this returns.  Returns 0 or -1 with errno.
 */
int spawn_detached(const struct spawn *s, bool report);

/* Wait for the end of a child.  0 with its status (waitpid), -1 with errno. */
int spawn_wait(pid_t pid, int *status);

/* The same until the deadline (clock_now_ms): then -1 with ETIMEDOUT, and it still runs. */
int spawn_wait_until(pid_t pid, int64_t deadline, int *status);

/* A pipe: both ends close-on-exec, and neither is a standard stream.  0 or -1 with errno. */
int spawn_pipe(int ends[2]);

#endif
