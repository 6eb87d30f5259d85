/*
 * libc_functions.h - libc's own functions, which the hooks stand in front of.
 */
#ifndef SHIM_PRELOAD_LIBC_FUNCTIONS_H
#define SHIM_PRELOAD_LIBC_FUNCTIONS_H

#include <spawn.h>
#include <stdio.h>
#include <sys/types.h>
#include <wordexp.h>

typedef int spawn_fn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);

struct libc_functions {
	spawn_fn *posix_spawn, *posix_spawnp;
	spawn_fn *pidfd_spawn, *pidfd_spawnp; /* NULL before glibc 2.39 */
	int (*system)(const char *);
	FILE *(*popen)(const char *, const char *);
	int (*pclose)(FILE *);
	int (*wordexp)(const char *, wordexp_t *, int);
};

/*
 * Never NULL.  Resolved in the constructor of a session, else at first use:
 * dlsym takes locks that a forked child of a threaded program may find held.
 */
const struct libc_functions *libc_functions(void);

#endif
