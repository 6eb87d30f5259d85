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

void start_environment_free(char **env)
{
	unsigned i;

	for (i = 0; env && env[i]; i++)
		free(env[i]);
	free(env);
}

/* Append NAME=VALUE when it is set.  0 or -1. */
static int pass_on(char **env, unsigned *n, const char *name)
{
	const char *v = name ? getenv(name) : NULL;

	if (!v)
		return 0;
	if (asprintf(&env[*n], "%s=%s", name, v) < 0) {
		env[*n] = NULL;
		return -1;
	}
	++*n;
	return 0;
}

char **start_environment(const char *also)
{
	char **env = calloc(PASSED_ON + 2, sizeof(*env));
	unsigned i, n = 0;
	int r = 0;

	for (i = 0; env && r == 0 && i < PASSED_ON; i++)
		r = pass_on(env, &n, passed_on[i]);
	if (env && (r != 0 || pass_on(env, &n, also) != 0)) {
		start_environment_free(env);
		return NULL;
	}
	return env;
}

/* In the grandchild: become the broker; `report` is its descriptor 3. */
static void become_broker(const char *path, char **env, int report)
{
	char *argv[] = { (char *)(uintptr_t)"ccbroker", (char *)(uintptr_t)"--report-fd",
			 (char *)(uintptr_t)"3", NULL };
	sigset_t none;
	int null, sig;

	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(127);
	if (dup2(report, 3) < 0)
		_exit(127);
	if (chdir("/") != 0)
		_exit(127);
	/* Higher descriptors are closed by the broker itself, first of all. */
	execve(path, argv, env);
	dprintf(3, "cannot run %s: %s\n", path, strerror(errno));
	_exit(127);
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
