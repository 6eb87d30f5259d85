/*
 * dial/call.c - requests to a broker, and its answers.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/sock.h"
#include "dial/broker_check.h"
#include "dial/dial.h"
#include "dial/user_broker.h"
#include "wire/limits.h"

#define ENDING_PATIENCE_MS 2000 /* until a broker that was killed has ended */

/* The broker does not know who calls, nor what is to be done about it. */
static void hint_versions(const struct dial *d, struct failure *f)
{
	if (d->system)
		fail_hint(f, "the system broker is of another version than this program: as root, "
			     "systemctl restart ccbroker");
	else
		fail_hint(f,
			  "the broker is of another version than this program: kill %d, then "
			  "ccctl unlock",
			  (int)d->broker);
}

/* Fill f from a reply {ok: false}.  Returns -1. */
static int fail_from_reply(struct wire_map m, struct failure *f)
{
	struct failure got = { .code = FAIL_INTERNAL };
	char name[64];

	if (wire_get_text(m, "error", name, sizeof(name), f) != 0 ||
	    wire_get_text(m, "message", got.what, sizeof(got.what), f) != 0 ||
	    wire_get_text(m, "hint", got.hint, sizeof(got.hint), f) != 0)
		return -1;
	got.code = fail_from_name(name);
	if (f)
		*f = got;
	return -1;
}

/* Once it can be read. */
static int read_reply(struct dial *d, int *fd, struct failure *f)
{
	struct sock_control control;
	ssize_t n = sock_recv(d->fd, d->buf, d->size, 0, &control);

	if (n < 0 && errno == EMSGSIZE)
		d->used = d->size;
	if (n > 0 && (size_t)n > d->used)
		d->used = (size_t)n;
	if (n < 0 && errno != ECONNRESET)
		return fail_errno(f, NULL, "answer from the broker");
	d->unanswered = n <= 0;
	if (n <= 0)
		return fail_set(f, FAIL_NO_BROKER, "try again",
				"the broker closed the connection without an answer");
	if (d->broker && d->broker != control.pid) {
		fail_set(f, FAIL_PEER, NULL, "another process than before answered (%d, not %d)",
			 (int)control.pid, (int)d->broker);
		goto bad;
	}
	if (!d->broker && broker_check(d, &control, f) != 0)
		goto bad;
	d->broker = control.pid;
	if (wire_parse(&d->in, d->buf, (size_t)n, f) != 0) {
		if (f && f->code == FAIL_NEWER)
			hint_versions(d, f);
		goto bad;
	}
	if (fd) {
		*fd = control.fd;
		control.fd = -1;
	}
	sock_control_close(&control);
	return 0;
bad:
	sock_control_close(&control);
	return -1;
}

/* A service manager's process stands in for a broker that it listens for. */
static pid_t silent_broker(const struct dial *d)
{
	struct proc_stat st;
	pid_t pid;
	uid_t uid;

	if (sock_peer(d->fd, &pid, &uid) != 0 || proc_stat(pid, &st) != 0 ||
	    strcmp(st.comm, "ccbroker") != 0)
		return 0;
	return pid;
}

static int fail_silent(const struct dial *d, struct failure *f)
{
	pid_t pid = silent_broker(d);
	char who[48] = "the broker";

	if (pid)
		snprintf(who, sizeof(who), "the broker (process %d)", (int)pid);
	if (d->deadline)
		fail_set(f, FAIL_TIMEOUT, NULL, "%s did not answer in time", who);
	else
		fail_set(f, FAIL_TIMEOUT, NULL, "%s did not answer within %d s", who,
			 REPLY_DEADLINE_MS / 1000);
	if (d->system)
		fail_hint(f,
			  "if it stays so, as root: systemctl restart ccbroker, which locks all");
	else if (pid)
		fail_hint(f,
			  "if it is stopped: kill -CONT %d; or end it, and what its sessions hold "
			  "with it: kill -9 %d",
			  (int)pid, (int)pid);
	return -1;
}

static int receive_reply(struct dial *d, int *fd, struct failure *f)
{
	int r = io_wait(d->fd, POLLIN,
			d->deadline ? d->deadline : clock_now_ms() + REPLY_DEADLINE_MS);

	if (r < 0)
		return fail_errno(f, NULL, "answer from the broker");
	return r == 0 ? fail_silent(d, f) : read_reply(d, fd, f);
}

static int send_request(struct dial *d, const struct wire_out *request, int pass, struct failure *f)
{
	/* A broker that closed the connection has sent the reason first. */
	if (wire_send(d->fd, request, pass) != 0 && errno != EPIPE && errno != ECONNRESET)
		return fail_errno(f, NULL, "send to the broker");
	return 0;
}

/* Send and receive.  The caller keeps the request. */
static int exchange_once(struct dial *d, const struct wire_out *request, int pass, int *fd,
			 struct failure *f)
{
	return send_request(d, request, pass, f) != 0 ? -1 : receive_reply(d, fd, f);
}

/*
 * Before the first request of a connection on which the kernel does not name senders: which process
 * serves it, by two answers that nothing depends on.  The first says which PID to look at; the second
 * was asked for after the look.
 */
static int make_sure_of_broker(struct dial *d, struct failure *f)
{
	struct wire_out *hello;
	int r;

	if (d->broker || sock_names_sender(d->fd))
		return 0;
	hello = wire_request("hello");
	r = exchange_once(d, hello, -1, NULL, f);
	if (r == 0)
		r = broker_check_silent(d, f);
	wire_in_free(&d->in);
	if (r == 0)
		r = exchange_once(d, hello, -1, NULL, f);
	if (r == 0)
		r = broker_check_same(d, f);
	wire_in_free(&d->in);
	wire_out_free(hello);
	if (r != 0)
		broker_check_forget(d);
	return r;
}

/* Send and receive on a connection that may be a new one. */
static int exchange_first(struct dial *d, const struct wire_out *request, int pass, int *fd,
			  struct failure *f)
{
	return make_sure_of_broker(d, f) != 0 ? -1 : exchange_once(d, request, pass, fd, f);
}

/*
 * A broker that was killed keeps its socket until the kernel has taken its memory apart:
 * a connection is taken then, and closed.  Ask the one that comes after it.  Only for the
 * first request of a connection, which changes nothing.
 */
static int exchange_with_next(struct dial *d, const struct wire_out *request, int pass, int *fd,
			      struct failure *f)
{
	int64_t until = clock_now_ms() + ENDING_PATIENCE_MS;
	int r = -1;

	while (r != 0 && d->unanswered && !d->broker && clock_now_ms() < until) {
		poll(NULL, 0, 10);
		close(d->fd);
		d->fd = -1;
		if (user_broker_open(d, d->start, f) != 0)
			return -1;
		r = exchange_first(d, request, pass, fd, f);
	}
	return r;
}

/* Of the reply in d->in: is it {ok: true}?  0 or -1. */
static int check_reply(struct dial *d, struct failure *f)
{
	bool ok = false;

	if (wire_get_bool(d->in.top, "ok", &ok, f) != 0)
		return -1;
	d->refused = !ok;
	if (ok)
		return 0;
	fail_from_reply(d->in.top, f);
	/* What another version did not take may have no other reason. */
	if (f && (f->code == FAIL_UNKNOWN_OP || f->code == FAIL_WRONG_TYPE ||
		  (d->other_version && !f->hint[0])))
		hint_versions(d, f);
	return -1;
}

int dial_call_passing(struct dial *d, struct wire_out *request, int pass, int *fd,
		      struct failure *f)
{
	int r;

	if (fd)
		*fd = -1;
	wire_in_free(&d->in);
	d->refused = d->unanswered = false;
	r = exchange_first(d, request, pass, fd, f);
	if (r != 0 && d->unanswered && !d->broker && !d->system && !d->deadline)
		r = exchange_with_next(d, request, pass, fd, f);
	wire_out_free(request);
	return r != 0 ? -1 : check_reply(d, f);
}

int dial_call(struct dial *d, struct wire_out *request, int *fd, struct failure *f)
{
	return dial_call_passing(d, request, -1, fd, f);
}

/* 0: d's connection can be read; 1: watched can. */
static int wait_watching(const struct dial *d, int watched, struct failure *f)
{
	struct pollfd p[2] = { { .fd = watched, .events = POLLIN },
			       { .fd = d->fd, .events = POLLIN } };

	for (;;) {
		p[0].revents = p[1].revents = 0;
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return fail_errno(f, NULL, "poll");
		if (p[0].revents || p[1].revents)
			return p[0].revents ? 1 : 0;
	}
}

int dial_call_watching(struct dial *d, struct wire_out *request, int watched, struct failure *f)
{
	int r;

	wire_in_free(&d->in);
	d->refused = d->unanswered = false;
	r = make_sure_of_broker(d, f);
	if (r == 0)
		r = send_request(d, request, -1, f);
	wire_out_free(request);
	if (r == 0)
		r = wait_watching(d, watched, f);
	if (r == 0)
		r = read_reply(d, NULL, f) != 0 ? -1 : check_reply(d, f);
	return r;
}

int dial_hello(struct dial *d, struct failure *f)
{
	char version[32];

	if (dial_call(d, wire_request("hello"), NULL, f) != 0)
		return -1;
	d->other_version =
		wire_get_text(d->in.top, "version", version, sizeof(version), NULL) == 0 &&
		strcmp(version, CCRUN_VERSION) != 0;
	return 0;
}
