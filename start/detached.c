/*
 * start/detached.c - starting a program that outlives us.
 */
#include "start/detached.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* All that a process of ours that outlives us needs of our environment. */
static const char *const passed_on[] = {
	"HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME",
};
#define PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

static void environment_free(char **env)
{
	unsigned i;

	for (i = 0; env && env[i]; i++)
		free(env[i]);
	free(env);
}

/* Append NAME=VALUE when it is set.  0 or -1. */
static int pass_on(char **env, unsigned *n, const char *name)
{
	const char *v = getenv(name);

	if (!v)
		return 0;
	if (asprintf(&env[*n], "%s=%s", name, v) < 0) {
		env[*n] = NULL;
		return -1;
	}
	++*n;
	return 0;
}

static char **environment_of(const char *const *also)
{
	unsigned i, n = 0, more = 0;
	int r = 0;
	char **env;

	while (also && also[more])
		more++;
	env = calloc(PASSED_ON + more + 1, sizeof(*env));
	for (i = 0; env && r == 0 && i < PASSED_ON; i++)
		r = pass_on(env, &n, passed_on[i]);
	for (i = 0; env && r == 0 && i < more; i++)
		r = pass_on(env, &n, also[i]);
	if (env && r != 0) {
		environment_free(env);
		return NULL;
	}
	return env;
}

/* In a process that outlives us: nothing of ours but descriptor 3, if that is given. */
static int leave_behind(int fd3)
{
	sigset_t none;
	int null, sig;

	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || chdir("/") != 0)
		return -1;
	/* dup2 onto itself would leave it close-on-exec. */
	if (fd3 == 3 ? fcntl(3, F_SETFD, 0) != 0 : fd3 >= 0 && dup2(fd3, 3) < 0)
		return -1;
	/* Before Linux 5.9 what the user left open stays open; ours is close-on-exec. */
	syscall(SYS_close_range, fd3 >= 0 ? 4u : 3u, ~0u, 0u);
	return 0;
}

static void __attribute__((noreturn)) become(const char *path, char *const argv[], char **env, int fd3)
{
	if (leave_behind(fd3) == 0) {
		execve(path, argv, env);
		/* Where descriptor 3 is a pipe to whoever waits; nobody hears it else. */
		if (fd3 >= 0)
			dprintf(3, "cannot run %s: %s\n", path, strerror(errno));
	}
	_exit(127);
}

int apart_start(const char *path, char *const argv[], const char *const *also, int fd3)
{
	char **env = environment_of(also);
	int status;
	pid_t pid;

	if (!env) {
		errno = ENOMEM;
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		/* Twice, so that it is nobody's child. */
		setsid();
		if (fork() == 0)
			become(path, argv, env, fd3);
		_exit(0);
	}
	environment_free(env);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid < 0 ? -1 : 0;
}
