/*
 * shim/background.c - the client's background service, and its words for tmux.
 */
#include "shim/background.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/paths.h"
#include "base/proc.h"
#include "config/client/client_dir.h"

#define LOCK_FILE_MAX 4096 /* bytes; a path of its is the longest part */

bool background_wanted(char *const *words)
{
	for (; *words && strcmp(*words, "--") != 0; words++)
		if (strcmp(*words, "--bg") == 0 || strcmp(*words, "--background") == 0)
			return true;
	return false;
}

bool tmux_wanted(char *const *words)
{
	for (; *words && strcmp(*words, "--") != 0; words++)
		if (strcmp(*words, "--tmux") == 0 || strncmp(*words, "--tmux=", 7) == 0)
			return true;
	return false;
}

/* The number behind "pid": in the client's file, the first of two; or 0. */
static pid_t lock_read_pid(const char *text)
{
	const char *at = strstr(text, "\"pid\":");
	long pid = at ? strtol(at + strlen("\"pid\":"), NULL, 10) : 0;

	return pid > 1 && pid == (pid_t)pid ? (pid_t)pid : 0;
}

pid_t background_outside(const struct provider *p)
{
	char dir[PATH_SIZE], path[PATH_SIZE + sizeof("/daemon.lock")], *text = NULL;
	struct proc_stat st;
	pid_t pid;
	size_t n;

	if (client_config_dir(p, dir, NULL) != 0)
		return 0;
	snprintf(path, sizeof(path), "%s/daemon.lock", dir);
	if (io_slurp(path, LOCK_FILE_MAX, &text, &n, NULL) != 0)
		return 0;
	pid = lock_read_pid(text);
	free(text);
	/* One of another user, or of a container that shares the directory, is none of ours. */
	if (pid == 0 || proc_stat(pid, &st) != 0 || st.owner != geteuid())
		return 0;
	return proc_marked(pid) == 0 ? pid : 0;
}
