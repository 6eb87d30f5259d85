/*
 * dial/watch.c - starting ccrun-logind.
 */
#include "dial/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/paths.h"
#include "dial/start.h"

static void __attribute__((noreturn)) become(const char *path, char **env)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || chdir("/") != 0)
		_exit(127);
	syscall(SYS_close_range, 3u, ~0u, 0u);
	execle(path, "ccrun-logind", (char *)NULL, env);
	_exit(127);
}

void watch_start(void)
{
	char path[PATH_SIZE], **env;
	int status;
	pid_t pid;

	if (path_sibling("libexec/ccrun/ccrun-logind", path, NULL) != 0 || access(path, X_OK) != 0)
		return;
	env = start_environment("DBUS_SYSTEM_BUS_ADDRESS");
	if (!env)
		return;
	pid = fork();
	if (pid == 0) {
		/* Twice, so that it is nobody's child. */
		setsid();
		if (fork() == 0)
			become(path, env);
		_exit(0);
	}
	start_environment_free(env);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}
