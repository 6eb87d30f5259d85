/*
 * helpers/channel.c - a helper program's end of its channel to the program that
 * started it.
 */
#include "helpers/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/locked.h"
#include "base/proc.h"
#include "base/sock.h"

#define RECEIVE_DEADLINE_MS 10000

static uint8_t *buffer;

static int channel_check_descriptor(struct failure *f)
{
	int type = 0;
	socklen_t n = sizeof(type);

	if (getsockopt(CHANNEL_FD, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_SEQPACKET ||
	    fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC) != 0)
		return fail_set(f, FAIL_USAGE, "ccctl runs this program",
				"descriptor %d is no SOCK_SEQPACKET socket", CHANNEL_FD);
	return 0;
}

int channel_open(struct failure *f)
{
	umask(077);
	if (channel_check_descriptor(f) != 0)
		return -1;
	if (proc_self_marked() && control_active(CONTROL_HELPER_UNMARKED))
		return fail_set(f, FAIL_MARKED, "run it outside the session, in another terminal",
				"a process inside a session gets nothing");
	if (proc_harden_self() != 0)
		return fail_errno(f, "detach the debugger", "cannot harden this process");
	buffer = locked_map(CHANNEL_MAX, f);
	return buffer ? 0 : -1;
}

uint8_t *channel_buffer(void)
{
	return buffer;
}

ssize_t channel_receive(struct failure *f)
{
	ssize_t n;
	int r = io_wait(CHANNEL_FD, POLLIN, clock_now_ms() + RECEIVE_DEADLINE_MS);

	if (r == 0)
		return fail_set(f, FAIL_TIMEOUT, NULL, "nothing came on descriptor %d", CHANNEL_FD);
	n = r < 0 ? -1 : sock_recv(CHANNEL_FD, buffer, CHANNEL_MAX, 0, NULL);
	if (n < 0)
		return fail_errno(f, NULL, "read descriptor %d", CHANNEL_FD);
	if (n == 0)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "nothing was sent on descriptor %d",
				CHANNEL_FD);
	return n;
}

/*
 * Closing a socket with an unread packet in it makes the starter's recv fail with
 * ECONNRESET, and our reply is lost.  A helper that fails before it receives the
 * packet must therefore discard it.
 */
static void channel_discard_input(void)
{
	char one;

	shutdown(CHANNEL_FD, SHUT_RD);
	while (recv(CHANNEL_FD, &one, sizeof(one), MSG_DONTWAIT | MSG_TRUNC) > 0)
		;
}

int channel_reply(const void *p, size_t n, struct failure *f)
{
	char kind = 'k';
	struct iovec iov[2] = { { &kind, 1 }, { (void *)(uintptr_t)p, n } };

	if (n >= CHANNEL_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "an answer of %zu bytes", n);
	channel_discard_input();
	if (sock_send(CHANNEL_FD, iov, n ? 2 : 1, -1) != 0)
		return fail_errno(f, NULL, "answer on descriptor %d", CHANNEL_FD);
	return 0;
}

int channel_reply_failure(const struct failure *f)
{
	char kind = 'f';
	const char *name = fail_name(f->code);
	struct iovec iov[4] = {
		{ &kind, 1 },
		{ (void *)(uintptr_t)name, strlen(name) + 1 },
		{ (void *)(uintptr_t)f->what, strlen(f->what) + 1 },
		{ (void *)(uintptr_t)f->hint, strlen(f->hint) + 1 },
	};

	channel_discard_input();
	if (sock_send(CHANNEL_FD, iov, 4, -1) != 0)
		fail_print("ccrun helper", f);
	return EXIT_FAILED;
}

void channel_close(void)
{
	locked_unmap(buffer, CHANNEL_MAX);
	buffer = NULL;
}
