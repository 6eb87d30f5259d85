/*
 * relay/sender.c - reading from a client's connection.
 *
 * Who connected does not matter: a child inherits the connection, and another process
 * may have taken it.  The kernel says who wrote the bytes of each read, and never joins
 * those of two writers.
 */
#include "relay/sender.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/control.h"
#include "base/io.h"
#include "base/sock.h"

static int sender_has_ended(const struct sender *who)
{
	struct pollfd p = { .fd = who->pidfd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

ssize_t sender_recv(const struct sender *who, int fd, void *p, size_t n)
{
	struct sock_control control;
	ssize_t got = sock_recv_no_fds(fd, p, n, MSG_DONTWAIT, &control);

	if (got < 0)
		return -1;
	sock_control_close(&control);
	if (got == 0)
		return 0;
	/* Asked after the read: while the process lives its number is no other's. */
	if ((control.have_sender && control.pid == who->pid && control.uid == who->uid &&
	     !sender_has_ended(who)) ||
	    !control_active(CONTROL_REQUEST_SENDER))
		return got;
	io_wipe(p, (size_t)got);
	errno = EPERM;
	return -1;
}
