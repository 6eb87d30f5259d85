/*
 * broker_messages.c - fixed-layout packets to and from the broker, each with a deadline,
 * and the one message that this library prints.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "shim/preload/preload.h"
#include "wire/claim.h"

#define EXIT_REFUSED_CLAIM 125 /* as env(1): our own failure, not the program's */

int trouble(struct trouble *t, const char *text, const char *hint)
{
	strncpy(t->text, text, sizeof(t->text) - 1);
	strncpy(t->hint, hint ? hint : "", sizeof(t->hint) - 1);
	return -1;
}

/* Append prefix, s and a newline.  Of s printable ASCII only: the texts come
 * over a socket, and what goes to a terminal must not command it. */
static char *put_line(char *out, const char *prefix, const char *s)
{
	out = stpcpy(out, prefix);
	for (; *s; s++)
		*out++ = *s >= ' ' && *s <= '~' ? *s : '?';
	*out++ = '\n';
	return out;
}

_Noreturn void refuse(const struct trouble *t)
{
	char line[sizeof(*t) + 64], *end;
	struct pollfd p = {.fd = 2, .events = POLLOUT};

	end = put_line(line, "ccrun: claim refused: ", t->text);
	if (t->hint[0])
		end = put_line(end, "hint: ", t->hint);
	/* A closed pipe must not turn 125 into a signal, a full one must not hold
	 * us; _exit, because no atexit handler may run in a half-made program. */
	signal(SIGPIPE, SIG_IGN);
	if (poll(&p, 1, 1000) == 1 && write(2, line, (size_t)(end - line)) < 0)
		_exit(EXIT_REFUSED_CLAIM);
	_exit(EXIT_REFUSED_CLAIM);
}

int64_t now_ms(void)
{
	struct timespec ts = {0};

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* 0 ready, -1 late or broken. */
static int wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int64_t left = deadline - now_ms();
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

int talk_send(int fd, int type, int pass, int64_t deadline)
{
	uint8_t head[CLAIM_HEAD];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} beside = {.room = {0}};
	struct iovec iov = {.iov_base = head, .iov_len = sizeof(head)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	claim_head(head, (enum claim_type)type, 0);
	if (pass >= 0) {
		struct cmsghdr *c;

		m.msg_control = beside.room;
		m.msg_controllen = sizeof(beside.room);
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
		if (errno == EAGAIN && wait_for(fd, POLLOUT, deadline) != 0)
			return -1;
		if (errno != EINTR && errno != EAGAIN)
			return -1;
	}
}

ssize_t talk_recv(int fd, void *buf, size_t size, int64_t deadline, struct trouble *t)
{
	for (;;) {
		/* No room for control messages: the kernel drops descriptors and
		 * credentials that come along.  MSG_TRUNC: the true length. */
		ssize_t n = recv(fd, buf, size, MSG_DONTWAIT | MSG_TRUNC);

		if (n > 0 && (size_t)n <= size)
			return n;
		if (n > 0)
			return trouble(t, "the broker's answer is too long", NULL);
		if (n == 0 || errno == ECONNRESET)
			return trouble(t, "the broker closed the connection",
				       "ccctl log shows why; ccctl status, whether it runs");
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return trouble(t, "cannot read the broker's answer", NULL);
		if (wait_for(fd, POLLIN, deadline) != 0)
			return trouble(t, "the broker does not answer", "ccctl status");
	}
}

static void copy_text(char *out, size_t size, const struct claim_text *text)
{
	size_t n = text->n < size ? text->n : size - 1;

	memcpy(out, text->p, n);
	out[n] = '\0';
}

int talk_items(const uint8_t *p, size_t n, struct claim_item *out, unsigned max, struct trouble *t)
{
	struct claim_text what, hint;
	int count;

	if (claim_type(p, n) != CLAIM_REFUSED) {
		count = claim_items(p, n, out, max);
		return count >= 0 ? count : trouble(t, "the broker's answer is malformed", NULL);
	}
	if (claim_refusal(p, n, &what, &hint) != 0)
		return trouble(t, "the broker's refusal is malformed", NULL);
	copy_text(t->text, sizeof(t->text), &what);
	copy_text(t->hint, sizeof(t->hint), &hint);
	return -1;
}

int talk_ok_empty(const uint8_t *p, size_t n, struct trouble *t)
{
	return talk_items(p, n, NULL, 0, t);
}
