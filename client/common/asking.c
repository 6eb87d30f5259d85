/*
 * client/common/asking.c - having ccrun ask a provider, as the process of a session.
 */
#include "client/common/asking.h"

#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/spawn.h"

/* Its pid, with the reading end of its output; or -1. */
static pid_t asking_start(const char *const *argv, bool quiet, int *out, struct failure *f)
{
	char path[PATH_SIZE];
	struct spawn s = { .path = path,
			   .argv = argv,
			   .fd = { { 0, SPAWN_NULL }, { 2, quiet ? SPAWN_NULL : 2 }, { 1, -1 } },
			   .fds = 3,
			   .close_others = true };
	int ends[2];
	pid_t pid;

	if (path_installed("bin/ccrun", path, f) != 0)
		return -1;
	if (spawn_pipe(ends) != 0) {
		fail_errno(f, NULL, "cannot make a pipe");
		return -1;
	}
	s.fd[2].ours = ends[1];
	pid = spawn_start(&s);
	if (pid < 0)
		fail_errno(f, NULL, "cannot run %s", path);
	close(ends[1]);
	if (pid < 0)
		close(ends[0]);
	else
		*out = ends[0];
	return pid;
}

long ccrun_ask(const char *const *argv, bool quiet, char *text, size_t size, int *status,
	       struct failure *f)
{
	int fd = -1, ended = -1;
	pid_t pid = asking_start(argv, quiet, &fd, f);
	ssize_t n;

	if (pid < 0)
		return -1;
	n = io_read_all(fd, text, size, INT64_MAX);
	close(fd);
	if (spawn_wait(pid, &ended) != 0 || !WIFEXITED(ended) || n < 0)
		return fail_set(f, FAIL_PROGRAM, NULL, "ccrun gave no answer that could be read");
	*status = WEXITSTATUS(ended);
	return n;
}
