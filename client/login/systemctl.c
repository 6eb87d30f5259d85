/*
 * client/login/systemctl.c - systemd's user manager, through systemctl.
 */
#include "client/login/systemctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/spawn.h"

#define WORDS_MAX 12
#define ANSWER_MAX 8192 /* bytes of answer in manager_ask; a unit takes a few lines */

bool manager_here(void)
{
	char dir[PATH_SIZE], path[PATH_SIZE + 32], *end;
	struct stat st;

	if (path_of(PATH_RUNTIME, NULL, dir, NULL) != 0)
		return false;
	end = strrchr(dir, '/');
	/* Without XDG_RUNTIME_DIR ccrun uses STATE/ccrun/run, where no manager is. */
	if (!end || strcmp(end, "/ccrun") != 0)
		return false;
	*end = '\0';
	snprintf(path, sizeof(path), "%s/systemd/private", dir);
	if (lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return false;
	return setenv("XDG_RUNTIME_DIR", dir, 1) == 0;
}

/* "enable --now ccbroker.socket ...", for messages. */
static void manager_join_words(const char *const words[], char *out, size_t size)
{
	size_t used = 0;
	unsigned i;

	out[0] = '\0';
	for (i = 0; words[i] && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " " : "", words[i]);
}

/* out: where its standard output goes.  Its pid, or -1 with errno. */
static pid_t systemctl_start(const char *const words[], int out)
{
	const char *argv[WORDS_MAX + 3] = { "systemctl", "--user" };
	/* A group of its own, so that all of it can be ended. */
	struct spawn s = { .path = argv[0],
			   .argv = argv,
			   .search = true,
			   .dir = "/",
			   .group = true,
			   .fd = { { 0, SPAWN_NULL }, { 1, out } },
			   .fds = 2 };
	unsigned i;

	for (i = 0; words[i] && i < WORDS_MAX; i++)
		argv[2 + i] = words[i];
	return spawn_start(&s);
}

/* Wait for its end.  Its status, or -1: too late, and it was killed. */
static int systemctl_wait(pid_t pid, int64_t deadline)
{
	int status;

	if (spawn_wait_until(pid, deadline, &status) == 0)
		return status;
	if (errno == ETIMEDOUT) {
		kill(-pid, SIGKILL);
		spawn_wait(pid, &status);
	}
	return -1;
}

static int manager_fail(const char *words, int status, struct failure *f)
{
	static const char mend[] = "journalctl --user -e may tell why";

	if (status == -1)
		return fail_set(f, FAIL_TIMEOUT, "does systemctl --user status answer?",
				"systemctl --user %s: not done within %d s", words,
				MANAGER_LIMIT_MS / 1000);
	if (WIFEXITED(status))
		return fail_set(f, FAIL_PROGRAM, mend,
				"systemctl --user %s: it ended with exit status %d", words,
				WEXITSTATUS(status));
	return fail_set(f, FAIL_PROGRAM, mend, "systemctl --user %s: it was ended by signal %d",
			words, WTERMSIG(status));
}

int manager_call(const char *const words[], char *out, size_t size, struct failure *f)
{
	int64_t deadline = clock_now_ms() + MANAGER_LIMIT_MS;
	int fds[2] = { -1, STDERR_FILENO }, status;
	ssize_t n = 0;
	char text[200];
	pid_t pid;

	manager_join_words(words, text, sizeof(text));
	if (out && pipe2(fds, O_CLOEXEC) != 0)
		return fail_errno(f, NULL, "pipe");
	pid = systemctl_start(words, fds[1]);
	if (pid < 0)
		fail_errno(f, "is systemctl in PATH?", "run systemctl");
	if (out)
		close(fds[1]);
	if (pid < 0) {
		if (out)
			close(fds[0]);
		return -1;
	}
	if (out)
		n = io_read_all(fds[0], out, size - 1, deadline);
	/* What says too much is not waited for. */
	status = systemctl_wait(pid, n < 0 ? 0 : deadline);
	if (out)
		close(fds[0]);
	if (out)
		out[n < 0 ? 0 : n] = '\0';
	return status == 0 ? 0 : manager_fail(text, status, f);
}

/* If the line is KEY=VALUE, store the value. */
static void manager_take_value(char out[32], const char *line, const char *key)
{
	size_t n = strlen(key);

	if (strncmp(line, key, n) == 0)
		snprintf(out, 32, "%.31s", line + n);
}

int manager_ask(const char *const names[], unsigned n, struct manager_unit out[], struct failure *f)
{
	const char *words[WORDS_MAX + 1] = { "show", "--property=UnitFileState",
					     "--property=ActiveState" };
	char answer[ANSWER_MAX], *line, *end;
	unsigned i, at = 0;

	for (i = 0; i < n && 3 + i < WORDS_MAX; i++)
		words[3 + i] = names[i];
	memset(out, 0, n * sizeof(*out));
	if (manager_call(words, answer, sizeof(answer), f) != 0)
		return -1;
	/* A block for each unit, in the order asked, separated by empty lines. */
	for (line = answer; *line && at < n; line = end + 1) {
		end = strchr(line, '\n');
		if (!end)
			break;
		*end = '\0';
		if (line == end)
			at++;
		else {
			manager_take_value(out[at].enabled, line, "UnitFileState=");
			manager_take_value(out[at].active, line, "ActiveState=");
		}
	}
	return 0;
}

const char *manager_failed(const char *const names[], unsigned n, const struct manager_unit seen[])
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (strcmp(seen[i].active, "failed") == 0)
			return names[i];
	return NULL;
}
