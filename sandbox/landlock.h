/*
 * sandbox/landlock.h - which files a process may use, and where it may connect to, for the
 * rest of its life (landlock(7), Linux 5.13).
 */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What may be done with a file, or with all below a directory. */
enum landlock_may {
	LANDLOCK_READ = 1,
	LANDLOCK_WRITE = 2,  /* write and shorten files that are there */
	LANDLOCK_MAKE = 4,   /* files, also by a link or a new name in the same directory */
	LANDLOCK_REMOVE = 8, /* files and sockets */
	LANDLOCK_MAKE_DIR = 16,
	LANDLOCK_LISTEN = 64, /* make unix sockets that have a name */
	LANDLOCK_RUN = 32,    /* with LANDLOCK_READ: a program is opened for reading too */
};

struct landlock_path {
	const char *path; /* NULL: what fd is open on */
	int fd;
	unsigned may; /* LANDLOCK_...; of a file only what concerns files counts */
};

struct landlock_rules {
	/* Directories with all below them, and files.  Links are followed now: a rule is
	   for the target.  What does not exist is left out. */
	const char *const *readable;
	size_t readable_count;
	/* The same with other rights. */
	const struct landlock_path *paths;
	size_t path_count;
	/* TCP ports to connect to (Linux 6.7).  limit_ports: these alone, and none to
	   listen on. */
	const uint16_t *ports;
	size_t port_count;
	bool limit_ports;
	/* Connect to no abstract unix socket made outside (Linux 6.12). */
	bool scope_sockets;
	/* Signals go outside, too: to a program that was started before. */
	bool signals;
};

/*
 * Enter it.  The process can then use only the files that the rules name, and in only
 * that way; it cannot look into a process that is not in the sandbox (of another's
 * /proc/PID it reads what everybody may, and none of its links), and (Linux 6.12) sends
 * signals only within the sandbox, unless the rules have it otherwise.  It must have set
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
