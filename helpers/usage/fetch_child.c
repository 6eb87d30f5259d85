/*
 * helpers/usage/fetch_child.c - a fetch in a process of its own.
 */
#include "helpers/usage/fetch_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "helpers/usage/fetch_sandbox.h"
#include "helpers/usage/answer.h"
#include "helpers/usage/claude_login.h"
#include "helpers/usage/http_get.h"
#include "helpers/usage/locked_heap.h"
#include "helpers/usage/usage_result.h"
#include "vault/arena.h"
#include "wire/limits.h"

#define ARENA_SIZE (512 * 1024) /* libcurl keeps below 200 KiB */
#define CHILD_FD 3
#define PATIENCE_MS 25000	/* libcurl's own limit is 10 s; a resolver may not keep to it */

/* ---- the child ---- */

static int take_token(const struct fetch_job *job, uint8_t *token, size_t *len)
{
	ssize_t n;

	if (!job->token)
		return claude_login_read_token(token, TOKEN_MAX, len);
	n = recv(CHILD_FD, token, TOKEN_MAX, 0);
	*len = n > 0 ? (size_t)n : 0;
	return n > 0 ? USAGE_DONE : USAGE_MISSING;
}

static void fetch(const struct fetch_job *job, struct usage_result *out)
{
	static struct http_answer got; /* 64 KiB: too much for a stack */
	struct arena *arena = arena_new(ARENA_SIZE, NULL);
	uint8_t *token;
	size_t len = 0;

	if (!arena)
		return;
	heap_use(arena);
	token = heap_malloc(TOKEN_MAX);
	if (!token)
		return;
	out->error = (uint32_t)take_token(job, token, &len);
	if (out->error == USAGE_DONE && fetch_sandbox_enter() != 0)
		out->error = USAGE_MISSING;
	if (out->error == USAGE_DONE) {
		out->asked = 1;
		http_get(job->kind, &job->target, token, len, &got);
		out->error = (uint32_t)got.error;
		out->retry = got.retry;
	}
	heap_free(token);
	if (out->error == USAGE_DONE)
		answer_parse(job->kind, job->target.host, got.body, got.n, out);
	/* An answer may repeat what it was sent.  (The arena goes with the process: a
	 * thread of libcurl's may still be in it.) */
	io_wipe(&got, sizeof(got));
}

static void __attribute__((noreturn)) be_child(const struct fetch_job *job, int fd, pid_t parent)
{
	struct usage_result n;

	memset(&n, 0, sizeof(n));
	n.error = USAGE_MISSING;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(1);
	if (dup2(fd, CHILD_FD) < 0)
		_exit(1);
	if (job->broker != CHILD_FD)
		close(job->broker);
	syscall(SYS_close_range, CHILD_FD + 1u, ~0u, 0u);
	fetch(job, &n);
	if (send(CHILD_FD, &n, sizeof(n), MSG_NOSIGNAL) != (ssize_t)sizeof(n))
		_exit(1);
	_exit(0);
}

/* ---- the worker ---- */

/* 1 something came from the child (or it ended), 0 not in time, -1 the session ended. */
static int wait_for(int session, int fd)
{
	int64_t deadline = io_now_ms() + PATIENCE_MS, left;
	struct pollfd p[2] = { { .fd = session, .events = POLLIN }, { .fd = fd, .events = POLLIN } };

	for (;;) {
		left = deadline - io_now_ms();
		if (left <= 0)
			return 0;
		p[0].revents = p[1].revents = 0;
		if (poll(p, 2, (int)left) < 0 && errno != EINTR)
			return 0;
		if (p[0].revents)
			return -1;
		if (p[1].revents)
			return 1;
	}
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int parent_side(const struct fetch_job *job, int fd, struct usage_result *out)
{
	struct usage_result got;
	ssize_t sent;
	int r;

	if (job->token) {
		sent = send(fd, job->token, job->len, MSG_NOSIGNAL);
		io_wipe(job->token, job->len);
		if (sent != (ssize_t)job->len)
			return 0;
	}
	r = wait_for(job->session, fd);
	if (r < 0)
		return 1;
	if (r == 0) {
		out->error = USAGE_TIMEOUT;
		return 0;
	}
	/* Ended without a word (killed, say), or words that make no sense. */
	out->error = USAGE_ANSWER;
	if (recv(fd, &got, sizeof(got), MSG_TRUNC | MSG_DONTWAIT) == (ssize_t)sizeof(got) && usage_result_valid(&got))
		*out = got;
	return 0;
}

int fetch_in_child(const struct fetch_job *job, struct usage_result *out)
{
	pid_t self = getpid(), pid;
	int fds[2], r;

	memset(out, 0, sizeof(*out));
	out->error = USAGE_MISSING;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return 0;
	pid = fork();
	if (pid == 0)
		be_child(job, fds[1], self);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return 0;
	}
	r = parent_side(job, fds[0], out);
	close(fds[0]);
	end_child(pid);
	return r;
}
