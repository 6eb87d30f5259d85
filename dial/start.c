/*
 * dial/start.c - starting a broker, detached, and hearing how that went.
 *
 * The broker reports on a pipe: "ready", "busy" (another one holds the vault:
 * fine), or a failure as two lines, then closes it.
 */
#include "dial/start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "dial/watch.h"

#define START_DEADLINE_MS 15000

/* All that a process of ours that outlives us needs of our environment. */
static const char *const passed_on[] = {
	"HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME",
};
#define PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

static void start_environment_free(char **env)
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

static char **start_environment(const char *const *also)
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
		start_environment_free(env);
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

/* In the grandchild: become the broker; `report` is its descriptor 3. */
static void __attribute__((noreturn)) become_broker(const char *path, char **env, int report)
{
	char *argv[] = { (char *)(uintptr_t)"ccbroker", (char *)(uintptr_t)"--report-fd",
			 (char *)(uintptr_t)"3", NULL };

	if (leave_behind(report) != 0)
		_exit(127);
	execve(path, argv, env);
	dprintf(3, "cannot run %s: %s\n", path, strerror(errno));
	_exit(127);
}

void start_apart(const char *path, char *const argv[], const char *const *also, int fd3)
{
	char **env = start_environment(also);
	int status;
	pid_t pid;

	if (!env)
		return;
	pid = fork();
	if (pid == 0) {
		/* Twice, so that it is nobody's child. */
		setsid();
		if (fork() == 0 && leave_behind(fd3) == 0)
			execve(path, argv, env);
		_exit(127);
	}
	start_environment_free(env);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

/* The first line is what failed, the second the hint. */
static int reported(char *text, struct failure *f)
{
	char *hint;

	if (strncmp(text, "ready", 5) == 0 || strncmp(text, "busy", 4) == 0)
		return 0;
	hint = strchr(text, '\n');
	if (hint)
		*hint++ = '\0';
	if (hint)
		hint[strcspn(hint, "\n")] = '\0';
	if (!text[0])
		return fail_set(f, FAIL_NO_BROKER, "run ccbroker by hand to see why",
				"the broker ended before it served");
	return fail_set(f, FAIL_NO_BROKER, hint, "%s", text);
}

int start_broker(struct failure *f)
{
	char path[PATH_SIZE], text[1024];
	char **env;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	if (path_sibling("libexec/ccrun/ccbroker", path, f) != 0)
		return -1;
	env = start_environment(NULL);
	if (!env)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory to start the broker");
	if (pipe2(fds, O_CLOEXEC) != 0) {
		start_environment_free(env);
		return fail_errno(f, NULL, "pipe");
	}
	if (fds[1] <= 3) {
		/* Out of the way of the standard streams, which are replaced. */
		n = fcntl(fds[1], F_DUPFD_CLOEXEC, 4);
		close(fds[1]);
		fds[1] = (int)n;
	}
	pid = fork();
	if (pid == 0) {
		/* Twice, so that the broker is not the child of what we become. */
		setsid();
		if (fork() == 0)
			become_broker(path, env, fds[1]);
		_exit(0);
	}
	start_environment_free(env);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return fail_errno(f, NULL, "fork");
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	n = io_read_all(fds[0], text, sizeof(text) - 1, io_now_ms() + START_DEADLINE_MS);
	close(fds[0]);
	if (n < 0)
		return fail_errno(f, NULL, "waiting for the broker to start");
	text[n] = '\0';
	if (reported(text, f) != 0)
		return -1;
	/* Now, not when a person opens the vault: a broker may do that by itself. */
	if (strncmp(text, "ready", 5) == 0)
		watch_start();
	return 0;
}
