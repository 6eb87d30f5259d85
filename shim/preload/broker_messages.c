/*
 * broker_messages.c - fixed-layout packets to and from the broker, each with a
 * deadline.
 */
#include "shim/preload/broker_messages.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t monotonic_ms(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* 0 ready, -1 late or broken. */
static int broker_wait(int fd, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		int64_t left = deadline - monotonic_ms();
		int r;

		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		r = poll(&p, 1, (int)left);
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -1;
	}
}

int broker_send(int fd, enum claim_type type, int pass, int64_t deadline)
{
	uint8_t head[CLAIM_HEAD];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { .iov_base = head, .iov_len = sizeof(head) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	claim_put_head(head, type, 0);
	if (pass >= 0) {
		struct cmsghdr *c;

		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass, sizeof(int));
	}
	for (;;) {
		ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n == (ssize_t)sizeof(head))
			return 0;
		if (n >= 0)
			return -1;
		if (errno == EAGAIN && broker_wait(fd, POLLOUT, deadline) != 0)
			return -1;
		if (errno != EINTR && errno != EAGAIN)
			return -1;
	}
}

ssize_t broker_receive(int fd, void *buf, size_t size, int64_t deadline, struct refusal *why)
{
	for (;;) {
		/* recv takes no control messages: the kernel closes descriptors that
		 * were passed.  MSG_TRUNC: the true length. */
		ssize_t n = recv(fd, buf, size, MSG_DONTWAIT | MSG_TRUNC);

		if (n > 0 && (size_t)n <= size)
			return n;
		if (n > 0)
			return refusal_set(why, "the broker's answer is too long", NULL);
		if (n == 0 || errno == ECONNRESET)
			return refusal_set(why, "the broker closed the connection",
					   "ccctl log shows why; ccctl status, whether it runs");
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return refusal_set(why, "cannot read the broker's answer", NULL);
		if (broker_wait(fd, POLLIN, deadline) != 0)
			return refusal_set(why, "the broker does not answer", "ccctl status");
	}
}

static void claim_text_copy(char *out, size_t size, const struct claim_text *text)
{
	size_t n = text->n < size ? text->n : size - 1;

	memcpy(out, text->p, n);
	out[n] = '\0';
}

int broker_read_items(const uint8_t *packet, size_t n, struct claim_item *out, unsigned max,
		      struct refusal *why)
{
	struct claim_text what, hint;
	int count;

	if (claim_type(packet, n) != CLAIM_REFUSED) {
		count = claim_get_items(packet, n, out, max);
		return count >= 0 ? count
				  : refusal_set(why, "the broker's answer is malformed", NULL);
	}
	if (claim_get_refusal(packet, n, &what, &hint) != 0)
		return refusal_set(why, "the broker's refusal is malformed", NULL);
	claim_text_copy(why->text, sizeof(why->text), &what);
	claim_text_copy(why->hint, sizeof(why->hint), &hint);
	return -1;
}

int broker_check_ok(const uint8_t *packet, size_t n, struct refusal *why)
{
	return broker_read_items(packet, n, NULL, 0, why);
}
