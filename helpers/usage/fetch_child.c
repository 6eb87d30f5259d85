/*
 * helpers/usage/fetch_child.c - fetch a quota in a process of its own.
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
#include "vault/locked_heap.h"
#include "helpers/usage/usage_result.h"
#include "vault/arena.h"
#include "wire/limits.h"

#define ARENA_SIZE (512 * 1024) /* libcurl needs less than 200 KiB */
#define CHILD_FD 3
#define CHILD_DEADLINE_MS 25000 /* libcurl's limit is 10 s, but a name look-up may take longer */

/* ---- the child ---- */

static enum usage_error child_get_token(const struct fetch_job *job, uint8_t *token, size_t *len)
{
	ssize_t n;

	if (!job->token)
		return claude_login_read_token(token, TOKEN_MAX, len);
	n = recv(CHILD_FD, token, TOKEN_MAX, 0);
	*len = n > 0 ? (size_t)n : 0;
	return n > 0 ? USAGE_DONE : USAGE_MISSING;
}

/* The answer that a relay has fetched.  An empty one is none. */
static void child_read(const struct fetch_job *job, struct usage_result *out)
{
	static char body[WIRE_PACKET_MAX];
	ssize_t n = 0;

	out->asked = 1;
	if (job->body_n)
		n = recv(CHILD_FD, body, sizeof(body), 0);
	if (n < 0 || fetch_sandbox_enter() != 0)
		return;
	answer_parse(job->kind, job->target.host, body, (size_t)n, out);
}

static void child_fetch(const struct fetch_job *job, struct usage_result *out)
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
	out->error = (uint32_t)child_get_token(job, token, &len);
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
	/* A server may echo the key.  The arena is not freed, because a thread of
	 * libcurl may still use it; it ends with the process. */
	io_wipe(&got, sizeof(got));
}

static void __attribute__((noreturn)) child_main(const struct fetch_job *job, int fd, pid_t parent)
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
	(job->by_relay ? child_read : child_fetch)(job, &n);
	if (send(CHILD_FD, &n, sizeof(n), MSG_NOSIGNAL) != (ssize_t)sizeof(n))
		_exit(1);
	_exit(0);
}

/* ---- the worker ---- */

enum wait_end { WAIT_CHILD, WAIT_TIMED_OUT, WAIT_SESSION_ENDED };

/* WAIT_CHILD: the child sent something, or ended. */
static enum wait_end worker_wait_for_child(int session, int fd)
{
	int64_t deadline = clock_now_ms() + CHILD_DEADLINE_MS, left;
	struct pollfd p[2] = { { .fd = session, .events = POLLIN },
			       { .fd = fd, .events = POLLIN } };

	for (;;) {
		left = deadline - clock_now_ms();
		if (left <= 0)
			return WAIT_TIMED_OUT;
		p[0].revents = p[1].revents = 0;
		if (poll(p, 2, (int)left) < 0 && errno != EINTR)
			return WAIT_TIMED_OUT;
		if (p[0].revents)
			return WAIT_SESSION_ENDED;
		if (p[1].revents)
			return WAIT_CHILD;
	}
}

static void worker_kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Send the key, or what is to be read, and wait for the result.  False: the session ended. */
static bool worker_converse(const struct fetch_job *job, int fd, struct usage_result *out)
{
	struct usage_result got;
	enum wait_end end;
	ssize_t sent;

	if (job->token) {
		sent = send(fd, job->token, job->len, MSG_NOSIGNAL);
		io_wipe(job->token, job->len);
		if (sent != (ssize_t)job->len)
			return true;
	}
	if (job->body_n && send(fd, job->body, job->body_n, MSG_NOSIGNAL) != (ssize_t)job->body_n)
		return true;
	end = worker_wait_for_child(job->session, fd);
	if (end == WAIT_SESSION_ENDED)
		return false;
	if (end == WAIT_TIMED_OUT) {
		out->error = USAGE_TIMEOUT;
		return true;
	}
	/* Unless a valid result follows: the child was killed, or sent something else. */
	out->error = USAGE_ANSWER;
	if (recv(fd, &got, sizeof(got), MSG_TRUNC | MSG_DONTWAIT) == (ssize_t)sizeof(got) &&
	    usage_result_valid(&got))
		*out = got;
	return true;
}

bool fetch_in_child(const struct fetch_job *job, struct usage_result *out)
{
	pid_t self = getpid(), pid;
	bool alive;
	int fds[2];

	memset(out, 0, sizeof(*out));
	out->error = USAGE_MISSING;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return true;
	pid = fork();
	if (pid == 0)
		child_main(job, fds[1], self);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return true;
	}
	alive = worker_converse(job, fds[0], out);
	close(fds[0]);
	worker_kill_child(pid);
	return alive;
}
