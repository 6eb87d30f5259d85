/*
 * helpers/logind/lock_client.c - a connection to the broker that asks it to lock
 * vaults.
 */
#include "helpers/logind/lock_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/sock.h"
#include "helpers/logind/program.h"

/* How long to wait for a broker that does not read; then a request is lost, and said. */
#define SEND_WAIT_MS 1000

int lock_client_open(struct lock_client *c, bool all, struct failure *f)
{
	struct wire_out *request;
	int flags;

	c->all = all;
	if (dial_open_at(&c->dial, all ? DIAL_SYSTEM : DIAL_ANY, false, c->buf, sizeof(c->buf),
			 f) != 0 ||
	    dial_hello(&c->dial, f) != 0)
		return -1;
	request = wire_request("watch");
	if (request)
		wire_put_str(request, "kind", "logind");
	if (request && all)
		wire_put_bool(request, "all", true);
	if (dial_call(&c->dial, request, NULL, f) != 0)
		return -1;
	/* A broker that hangs must not block us: we may hold up the machine's sleep. */
	flags = fcntl(c->dial.fd, F_GETFL);
	if (flags < 0 || fcntl(c->dial.fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return fail_errno(f, NULL, "connection to the broker");
	return 0;
}

/* {ok:true}, whether the policy locks on this event or not, or a refusal, which is printed. */
static void lock_client_handle_answer(struct lock_client *c)
{
	struct failure f = { .code = FAIL_INTERNAL };
	char why[256];
	bool ok = false;

	if (c->pending)
		c->pending--;
	if (wire_get_bool(c->dial.in.top, "ok", &ok, &f) == 0) {
		if (ok)
			return;
		if (wire_get_text(c->dial.in.top, "message", why, sizeof(why), &f) == 0)
			fail_set(&f, FAIL_SYSTEM, "ccctl lock",
				 "the broker did not lock the vault: %s", why);
	}
	fail_print(PROGRAM, &f);
}

int lock_client_read(struct lock_client *c, struct failure *f)
{
	struct sock_control beside;
	ssize_t n = sock_recv(c->dial.fd, c->buf, sizeof(c->buf), MSG_DONTWAIT, &beside);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 && errno != ECONNRESET)
		return fail_errno(f, NULL, "answer from the broker");
	if (n <= 0) {
		c->ended = true;
		return 0;
	}
	sock_control_close(&beside);
	if (!beside.have_sender || beside.pid != c->dial.broker)
		return fail_set(f, FAIL_PEER, "ccctl status shows who serves",
				"another process than before answered (%d, not %d)",
				(int)beside.pid, (int)c->dial.broker);
	wire_in_free(&c->dial.in);
	if (wire_parse(&c->dial.in, c->buf, (size_t)n, f) != 0)
		return -1;
	lock_client_handle_answer(c);
	return 0;
}

void lock_client_wait(struct lock_client *c, int ms)
{
	int64_t deadline = clock_now_ms() + ms;
	struct failure f = { .code = FAIL_NONE };

	while (c->pending && !c->ended) {
		if (io_wait(c->dial.fd, POLLIN, deadline) <= 0) {
			fail_set(&f, FAIL_TIMEOUT, "ccctl status shows whether it is alive",
				 "the vault may still be open: the broker did not answer within %d "
				 "s",
				 ms / 1000);
			fail_print(PROGRAM, &f);
			return;
		}
		/* Not the broker that we know: end. */
		if (lock_client_read(c, &f) != 0) {
			fail_print(PROGRAM, &f);
			c->ended = true;
		}
	}
}

/* Send; a broker that has not read so much that nothing more fits is waited for once. */
static int lock_client_put(struct lock_client *c, const struct wire_out *request)
{
	if (wire_send(c->dial.fd, request, -1) == 0)
		return 0;
	if (errno != EAGAIN)
		return -1;
	lock_client_wait(c, SEND_WAIT_MS);
	return wire_send(c->dial.fd, request, -1);
}

/* The request is freed.  what: the end of "the broker cannot be told ". */
static void lock_client_request(struct lock_client *c, struct wire_out *request, const char *what)
{
	struct failure f;

	if (lock_client_put(c, request) == 0) {
		c->pending++;
	} else if (errno == EPIPE || errno == ECONNRESET) {
		/* The broker may have sent a reason first: lock_client_read reads it. */
	} else {
		fail_errno(&f, "ccctl lock", "the broker cannot be told %s", what);
		fail_print(PROGRAM, &f);
	}
	wire_out_free(request);
}

void lock_client_send(struct lock_client *c, const char *why, uid_t uid)
{
	struct wire_out *request = wire_request("lock");
	char what[64];

	if (request)
		wire_put_str(request, "why", why);
	if (request && c->all && uid == LOCK_EVERYONE)
		wire_put_bool(request, "all", true);
	else if (request && c->all)
		wire_put_uint(request, "uid", uid);
	snprintf(what, sizeof(what), "to lock the vault (%s)", why);
	lock_client_request(c, request, what);
}

void lock_client_tell_delays(struct lock_client *c, bool delays)
{
	struct wire_out *request;

	if (delays == !c->sleep_runs)
		return;
	c->sleep_runs = !delays;
	request = wire_request("watch");
	if (request) {
		wire_put_str(request, "kind", "logind");
		wire_put_bool(request, "delays", delays);
	}
	lock_client_request(c, request, "whether sleep waits for it");
}
