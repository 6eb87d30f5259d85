/*
 * client/common/models.c - the models that a provider's server says it has.
 */
#include "client/common/models.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/spawn.h"

#define LIST_BYTES (1u << 20)
#define NAMES_MAX 4000 /* as ccrun-models prints at most */

/* Its pid, with the reading end of its output; or -1. */
static pid_t list_start(const char *word, bool quiet, int *out, struct failure *f)
{
	const char *argv[] = { "ccrun", "--models", word, NULL };
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

/* Cut the text, of n bytes, into its lines. */
static void list_split(struct model_list *l, size_t n)
{
	char *p = l->text, *end;

	while (l->n < NAMES_MAX && (end = memchr(p, '\n', n - (size_t)(p - l->text)))) {
		*end = '\0';
		if (end > p)
			l->name[l->n++] = p;
		p = end + 1;
	}
}

int model_list_fetch(const char *word, bool quiet, struct model_list *out, struct failure *f)
{
	int fd = -1, status = -1;
	pid_t pid;
	ssize_t n;

	memset(out, 0, sizeof(*out));
	out->text = malloc(LIST_BYTES);
	out->name = calloc(NAMES_MAX, sizeof(*out->name));
	pid = out->text && out->name ? list_start(word, quiet, &fd, f) : -1;
	if (pid < 0) {
		if (!out->text || !out->name)
			fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for the list");
		goto bad;
	}
	n = io_read_all(fd, out->text, LIST_BYTES, INT64_MAX);
	close(fd);
	if (spawn_wait(pid, &status) != 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0 ||
	    n < 0) {
		fail_set(f, FAIL_PROGRAM, NULL, "there is no list of %s's models", word);
		goto bad;
	}
	list_split(out, (size_t)n);
	return 0;
bad:
	model_list_free(out);
	return -1;
}

void model_list_free(struct model_list *l)
{
	free(l->text);
	free(l->name);
	memset(l, 0, sizeof(*l));
}
