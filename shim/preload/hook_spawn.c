/*
 * hook_spawn.c - the hooks on posix_spawn and its kin.  What they start is always a
 * child, so never announced.
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shim/preload/preload.h"

/* glibc 2.39; older headers do not know them. */
int pidfd_spawn(int *pidfd, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);
int pidfd_spawnp(int *pidfd, const char *file, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);

static int spawn(spawn_fn *how, pid_t *pid, const char *path,
		 const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
		 char *const argv[], char *const envp[])
{
	struct launch l = {.how = HOW_SPAWN, .spawn = how, .pid = pid, .actions = actions,
			   .attr = attr, .program = {.path = path, .argv = argv, .envp = envp}};

	return launch(&l);
}

HOOK int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	return spawn(real()->posix_spawn, pid, HIDE(path), actions, attr, HIDE(argv), envp);
}

HOOK int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	return spawn(real()->posix_spawnp, pid, HIDE(file), actions, attr, HIDE(argv), envp);
}

/*
 * Programs find out whether libc has these by looking for the symbol, and find
 * ours: so where libc has none, ours must do the work.  (Should another thread
 * reap the child first, there is no process to open and none to kill.)
 */
static int pidfd_of(spawn_fn *how, int *pidfd, const char *path,
		    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
		    char *const argv[], char *const envp[])
{
	pid_t pid = -1;
	int error = how(&pid, path, actions, attr, argv, envp);

	if (error)
		return error;
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*pidfd >= 0)
		return 0;
	error = errno;
	if (error == ESRCH)
		return error;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return error;
}

static int pidfd_by_path(int *pidfd, const char *path, const posix_spawn_file_actions_t *actions,
			 const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	return pidfd_of(real()->posix_spawn, pidfd, path, actions, attr, argv, envp);
}

static int pidfd_by_name(int *pidfd, const char *file, const posix_spawn_file_actions_t *actions,
			 const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	return pidfd_of(real()->posix_spawnp, pidfd, file, actions, attr, argv, envp);
}

HOOK int pidfd_spawn(int *pidfd, const char *path, const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	spawn_fn *how = real()->pidfd_spawn;

	return spawn(how ? how : pidfd_by_path, pidfd, HIDE(path), actions, attr, HIDE(argv), envp);
}

HOOK int pidfd_spawnp(int *pidfd, const char *file, const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	spawn_fn *how = real()->pidfd_spawnp;

	return spawn(how ? how : pidfd_by_name, pidfd, HIDE(file), actions, attr, HIDE(argv), envp);
}
