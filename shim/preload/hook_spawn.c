/*
 * hook_spawn.c - the hooks on posix_spawn, posix_spawnp, pidfd_spawn and
 * pidfd_spawnp.  What they start is a child: the session never goes on in it.
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/preload/hook.h"
#include "shim/preload/hooked_call.h"

/* glibc 2.39; older headers do not know them. */
int pidfd_spawn(int *pidfd, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);
int pidfd_spawnp(int *pidfd, const char *file, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);

/* NOLINTNEXTLINE(readability-non-const-parameter): posix_spawn writes *pid */
static int spawn_hooked(spawn_fn *spawn, pid_t *pid, const char *path,
			const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
			char *const argv[], char *const envp[])
{
	struct hooked_call c = { .kind = CALL_SPAWN,
				 .spawn = spawn,
				 .pid = pid,
				 .actions = actions,
				 .attr = attr,
				 .image = { .path = path, .argv = argv, .envp = envp } };

	return hooked_call_run(&c);
}

HOOK int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	return spawn_hooked(libc_functions()->posix_spawn, pid, HIDE(path), actions, attr,
			    HIDE(argv), envp);
}

HOOK int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	return spawn_hooked(libc_functions()->posix_spawnp, pid, HIDE(file), actions, attr,
			    HIDE(argv), envp);
}

/*
 * Programs find out whether libc has the pidfd functions by looking for the
 * symbol, and find the hook: so where libc has none, the hook does their work.
 * (When another thread has reaped the child first, there is no process to open
 * and none to kill.)
 */
static int spawn_pidfd(spawn_fn *spawn, int *pidfd, const char *path,
		       const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
		       char *const argv[], char *const envp[])
{
	pid_t pid = -1;
	int error = spawn(&pid, path, actions, attr, argv, envp);

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

static int pidfd_spawn_fallback(int *pidfd, const char *path,
				const posix_spawn_file_actions_t *actions,
				const posix_spawnattr_t *attr, char *const argv[],
				char *const envp[])
{
	return spawn_pidfd(libc_functions()->posix_spawn, pidfd, path, actions, attr, argv, envp);
}

static int pidfd_spawnp_fallback(int *pidfd, const char *file,
				 const posix_spawn_file_actions_t *actions,
				 const posix_spawnattr_t *attr, char *const argv[],
				 char *const envp[])
{
	return spawn_pidfd(libc_functions()->posix_spawnp, pidfd, file, actions, attr, argv, envp);
}

HOOK int pidfd_spawn(int *pidfd, const char *path, const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	spawn_fn *spawn = libc_functions()->pidfd_spawn;

	return spawn_hooked(spawn ? spawn : pidfd_spawn_fallback, pidfd, HIDE(path), actions, attr,
			    HIDE(argv), envp);
}

HOOK int pidfd_spawnp(int *pidfd, const char *file, const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	spawn_fn *spawn = libc_functions()->pidfd_spawnp;

	return spawn_hooked(spawn ? spawn : pidfd_spawnp_fallback, pidfd, HIDE(file), actions, attr,
			    HIDE(argv), envp);
}
