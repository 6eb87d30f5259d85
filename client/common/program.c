/*
 * client/common/program.c - running another program and taking down what it says.
 */
#include "client/common/program.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/spawn.h"

/* A pipe's reading end, and what came of it. */
struct heard {
	int fd; /* -1: it has ended */
	char *text;
	size_t n, most;
	bool cut; /* there was more */
};

static void heard_read(struct heard *h)
{
	char rest[4096];
	ssize_t got = read(h->fd, h->n < h->most ? h->text + h->n : rest,
			   h->n < h->most ? h->most - h->n : sizeof(rest));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		close(h->fd);
		h->fd = -1;
	} else if (h->n < h->most) {
		h->n += (size_t)got;
	} else {
		h->cut = true;
	}
}

/* Until both have ended.  False: not in time, or it said too much. */
static bool heard_all(struct heard h[2], int64_t deadline)
{
	struct pollfd p[2];
	int64_t left;
	int i;

	while ((h[0].fd >= 0 || h[1].fd >= 0) && !h[0].cut) {
		left = deadline - clock_now_ms();
		if (left <= 0)
			return false;
		for (i = 0; i < 2; i++)
			p[i] = (struct pollfd){ .fd = h[i].fd, .events = POLLIN };
		if (poll(p, 2, (int)left) < 0)
			continue;
		for (i = 0; i < 2; i++)
			if (h[i].fd >= 0 && p[i].revents)
				heard_read(&h[i]);
	}
	return !h[0].cut;
}

static pid_t program_start(const struct program *p, int out, int err)
{
	struct spawn s = { .path = p->path ? p->path : p->argv[0],
			   .argv = p->argv,
			   .search = !p->path,
			   .dir = p->path ? NULL : "/",
			   .group = true,
			   .close_others = true,
			   .death_signal = SIGKILL,
			   .fd = { { 0, SPAWN_NULL }, { 1, out }, { 2, err } },
			   .fds = 3 };

	return spawn_start(&s);
}

/* Start it, with the reading ends in h.  Its pid, or -1. */
static pid_t program_hear(const struct program *p, struct heard h[2], struct failure *f)
{
	int out[2], err[2];
	pid_t pid;

	if (spawn_pipe(out) != 0)
		return fail_errno(f, NULL, "pipe");
	if (spawn_pipe(err) != 0) {
		close(out[0]);
		close(out[1]);
		return fail_errno(f, NULL, "pipe");
	}
	pid = program_start(p, out[1], err[1]);
	if (pid < 0)
		fail_errno(f, NULL, "run %.200s", p->path ? p->path : p->argv[0]);
	close(out[1]);
	close(err[1]);
	h[0].fd = out[0];
	h[1].fd = err[0];
	return pid;
}

int program_run(const struct program *p, struct program_said *out, struct failure *f)
{
	int64_t deadline = clock_now_ms() + p->patience_ms;
	struct heard h[2] = { { .fd = -1, .most = p->most },
			      { .fd = -1, .text = out->err, .most = sizeof(out->err) - 1 } };
	bool done = false;
	pid_t pid;
	int i;

	memset(out, 0, sizeof(*out));
	h[0].text = out->out = malloc(p->most + 1);
	if (!out->out)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	pid = program_hear(p, h, f);
	if (pid > 0) {
		done = heard_all(h, deadline) && spawn_wait_until(pid, deadline, &out->status) == 0;
		if (!done) {
			kill(-pid, SIGKILL);
			spawn_wait(pid, &out->status);
		}
	}
	for (i = 0; i < 2; i++)
		if (h[i].fd >= 0)
			close(h[i].fd);
	out->n = h[0].n;
	out->out[out->n] = '\0';
	out->err[h[1].n] = '\0';
	if (done || pid < 0)
		return done ? 0 : -1;
	if (h[0].cut)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "%.200s says too much", p->argv[0]);
	return fail_set(f, FAIL_TIMEOUT, NULL, "%.200s: not done within %d s", p->argv[0],
			p->patience_ms / 1000);
}

void program_said_free(struct program_said *s)
{
	free(s->out);
	memset(s, 0, sizeof(*s));
}

bool program_ended(const struct program_said *s, int exit)
{
	return WIFEXITED(s->status) && WEXITSTATUS(s->status) == exit;
}

void program_failure(const struct program_said *s, struct failure *f)
{
	static const char hint[] = "\nhint: ";
	const char *what = strstr(s->err, ": "), *mend = strstr(s->err, hint);
	char text[sizeof(f->hint)];

	what = what && what < s->err + strcspn(s->err, "\n") ? what + 2 : s->err;
	fail_set(f, FAIL_PROGRAM, NULL, "%.*s", (int)strcspn(what, "\n"), what);
	if (!mend)
		return;
	mend += sizeof(hint) - 1;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(mend, "\n"), mend);
	/* A program of ours made it. */
	fail_hint_text(f, text);
}
