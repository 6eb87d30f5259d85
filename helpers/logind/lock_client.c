/*
 * helpers/logind/lock_client.c - the connection to the broker over which it is told
 * to lock.
 */
#include "helpers/logind/lock_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/sock.h"
#include "helpers/logind/login1.h"

int lock_client_open(struct lock_client *w, struct failure *f)
{
	struct wire_out *request;
	int flags;

	if (dial_open(&w->dial, false, w->buf, sizeof(w->buf), f) != 0 || dial_hello(&w->dial, f) != 0)
		return -1;
	request = wire_request("watch");
	if (request)
		wire_str(request, "kind", "logind");
	if (dial_call(&w->dial, request, NULL, f) != 0)
		return -1;
	/* From here on a broker that hangs must not hang us: a machine waits for sleep. */
	flags = fcntl(w->dial.fd, F_GETFL);
	if (flags < 0 || fcntl(w->dial.fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return fail_errno(f, NULL, "connection to the broker");
	return 0;
}

void lock_client_send(struct lock_client *w, const char *why)
{
	struct wire_out *request = wire_request("lock");
	struct failure f;

	if (request)
		wire_str(request, "why", why);
	if (wire_send(w->dial.fd, request, -1) == 0) {
		w->pending++;
	} else if (errno == EPIPE || errno == ECONNRESET) {
		/* It may have said why; lock_client_read comes to the end of it. */
	} else {
		fail_errno(&f, "ccctl lock", "the broker cannot be told to lock the vault (%s)", why);
		fail_print(PROGRAM, &f);
	}
	wire_out_free(request);
}

/* An answer: {ok:true} whether this event locks or not, or a refusal. */
static void answered(struct lock_client *w)
{
	struct failure f = { .code = FAIL_INTERNAL };
	char why[256];
	bool ok = false;

	if (w->pending)
		w->pending--;
	if (wire_get_bool(w->dial.in.top, "ok", &ok, &f) == 0) {
		if (ok)
			return;
		if (wire_text(w->dial.in.top, "message", why, sizeof(why), &f) == 0)
			fail_set(&f, FAIL_SYSTEM, "ccctl lock", "the broker did not lock the vault: %s", why);
	}
	fail_print(PROGRAM, &f);
}

int lock_client_read(struct lock_client *w, struct failure *f)
{
	struct sock_beside beside;
	ssize_t n = sock_recv(w->dial.fd, w->buf, sizeof(w->buf), MSG_DONTWAIT, &beside);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 && errno != ECONNRESET)
		return fail_errno(f, NULL, "answer from the broker");
	if (n <= 0) {
		w->ended = true;
		return 0;
	}
	sock_drop_beside(&beside);
	if (!beside.have_sender || beside.pid != w->dial.broker)
		return fail_set(f, FAIL_PEER, "ccctl status shows who serves",
				"another process than before answered (%d, not %d)",
				(int)beside.pid, (int)w->dial.broker);
	wire_in_free(&w->dial.in);
	if (wire_parse(&w->dial.in, w->buf, (size_t)n, f) != 0)
		return -1;
	answered(w);
	return 0;
}

void lock_client_wait(struct lock_client *w, int ms)
{
	int64_t deadline = io_now_ms() + ms;
	struct failure f = { .code = FAIL_NONE };

	while (w->pending && !w->ended) {
		if (io_wait(w->dial.fd, POLLIN, deadline) <= 0) {
			fail_set(&f, FAIL_TIMEOUT, "ccctl status shows whether it is alive",
				 "the vault may still be open: the broker did not answer within %d s", ms / 1000);
			fail_print(PROGRAM, &f);
			return;
		}
		/* It is no broker that we know: the main loop says so and ends. */
		if (lock_client_read(w, &f) != 0) {
			fail_print(PROGRAM, &f);
			w->ended = true;
		}
	}
}
