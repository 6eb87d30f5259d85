/*
 * tests/torture/tracer_half.c - calls that do half of what they were asked for.
 *
 * The tracer does them in the process's place, with a copy of its descriptor: what the process
 * then sees is what a slow peer, a full pipe or a signal makes of a call.
 */
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/torture/tracer.h"

#define HALF_MAX (1 << 19)
#define PARTS_MAX 64
#define CONTROL_MAX 256

/* Where the bytes of a call are in the process. */
struct half {
	bool reads, message, socket;
	int fd;
	struct iovec part[PARTS_MAX];
	size_t parts, n; /* n: half of all */
	long long at;	 /* in the file; -1: where it is */
	int flags;
	uint64_t header; /* of a message: its struct msghdr */
	struct msghdr m;
};

/* A copy of the process's descriptor; -1: not one of a stream of bytes, or it is not ready. */
static int stream_take(pid_t process, int fd, short events)
{
	int pidfd = (int)syscall(SYS_pidfd_open, process, 0), kind = SOCK_STREAM;
	int mine = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	struct pollfd p = { .fd = mine, .events = events };
	socklen_t n = sizeof(kind);

	if (pidfd >= 0)
		close(pidfd);
	if (mine < 0)
		return -1;
	if (getsockopt(mine, SOL_SOCKET, SO_TYPE, &kind, &n) == 0 && kind != SOCK_STREAM)
		kind = -1;
	if (kind == -1 || poll(&p, 1, 0) != 1) {
		close(mine);
		return -1;
	}
	return mine;
}

/* ---- which bytes ---- */

static bool parts_take(struct half *h, pid_t process, uint64_t at, uint64_t count)
{
	size_t size = count <= PARTS_MAX ? (size_t)count * sizeof(h->part[0]) : 0;

	h->parts = (size_t)count;
	return size > 0 && memory_read(process, at, h->part, size) == size;
}

static void part_take(struct half *h, const struct seccomp_data *d)
{
	h->part[0] = (struct iovec){ (void *)(uintptr_t)d->args[1], (size_t)d->args[2] };
	h->parts = 1;
}

static bool message_take(struct half *h, pid_t process, const struct seccomp_data *d)
{
	h->message = true;
	h->header = d->args[1];
	h->flags = (int)d->args[2];
	/* What is sent with it would have our credentials, and not its descriptors. */
	return memory_read(process, d->args[1], &h->m, sizeof(h->m)) == sizeof(h->m) &&
	       !h->m.msg_name && h->m.msg_controllen <= (h->reads ? CONTROL_MAX : 0) &&
	       parts_take(h, process, (uint64_t)(uintptr_t)h->m.msg_iov, h->m.msg_iovlen);
}

/* False: it is no such call. */
static bool half_take(struct half *h, pid_t process, const struct seccomp_data *d)
{
	memset(h, 0, sizeof(*h));
	h->fd = (int)d->args[0];
	h->at = -1;
	switch (d->nr) {
	case SYS_pread64:
	case SYS_pwrite64:
		h->at = (long long)d->args[3];
		/* fall through */
	case SYS_read:
	case SYS_write:
		h->reads = d->nr == SYS_read || d->nr == SYS_pread64;
		part_take(h, d);
		return true;
	case SYS_readv:
	case SYS_writev:
		h->reads = d->nr == SYS_readv;
		return parts_take(h, process, d->args[1], d->args[2]);
	case SYS_recvfrom:
	case SYS_sendto:
		h->reads = d->nr == SYS_recvfrom;
		h->flags = (int)d->args[3];
		part_take(h, d);
		return d->args[4] == 0;
	case SYS_recvmsg:
	case SYS_sendmsg:
		h->reads = d->nr == SYS_recvmsg;
		return message_take(h, process, d);
	}
	return false;
}

/* How many of n bytes a read would give.  A file of proc gives all that fits, at once. */
static size_t bytes_there(const struct half *h, int fd, const struct stat *st, size_t n)
{
	char *p = malloc(n < 2 * HALF_MAX ? n : 2 * HALF_MAX);
	ssize_t there = -1;
	int pending = 0;

	n = n < 2 * HALF_MAX ? n : 2 * HALF_MAX;
	if (p && h->socket)
		there = recv(fd, p, n, MSG_PEEK | MSG_DONTWAIT);
	else if (p && S_ISREG(st->st_mode) && st->st_size > 0)
		there = pread(fd, p, n, h->at >= 0 ? (off_t)h->at : lseek(fd, 0, SEEK_CUR));
	else if (S_ISFIFO(st->st_mode) && ioctl(fd, FIONREAD, &pending) == 0)
		there = pending;
	free(p);
	return there < 0 || (size_t)there > n ? n : (size_t)there;
}

/* Cut its parts down to half of their bytes, and what goes into a pipe to what fits there.
 * False: there is no half. */
static bool half_cut(struct half *h, int fd)
{
	size_t all = 0, i, left, most = HALF_MAX;
	struct stat st = { 0 };

	h->socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
	if (!h->reads && S_ISFIFO(st.st_mode))
		most = PIPE_BUF;
	for (i = 0; i < h->parts; i++)
		all += h->part[i].iov_len;
	if (h->reads)
		all = bytes_there(h, fd, &st, all);
	h->n = all / 2 < most ? all / 2 : most;
	left = h->n;
	for (i = 0; i < h->parts; i++) {
		if (h->part[i].iov_len > left)
			h->part[i].iov_len = left;
		left -= h->part[i].iov_len;
	}
	return h->n > 0;
}

/* ---- doing it ---- */

/* Is there anything with the next bytes that only the process itself can get? */
static bool descriptors_come(int fd)
{
	char one, control[CONTROL_MAX];
	struct iovec iov = { &one, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	bool found = false;

	if (recvmsg(fd, &m, MSG_PEEK | MSG_DONTWAIT) < 0)
		return true;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		found = found || c->cmsg_type != SCM_CREDENTIALS;
	return found;
}

static ssize_t message_receive(const struct half *h, pid_t process, int fd, void *data)
{
	char control[CONTROL_MAX];
	struct iovec iov = { data, h->n }, mine[2], theirs[2];
	struct msghdr m = h->m;
	ssize_t got;

	if (descriptors_come(fd))
		return -1;
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = control;
	got = recvmsg(fd, &m, h->flags);
	if (got < 0)
		return -1;
	m.msg_iov = h->m.msg_iov;
	m.msg_iovlen = h->m.msg_iovlen;
	m.msg_control = h->m.msg_control;
	mine[0] = (struct iovec){ &m, sizeof(m) };
	theirs[0] = (struct iovec){ (void *)(uintptr_t)h->header, sizeof(m) };
	mine[1] = (struct iovec){ control, m.msg_controllen };
	theirs[1] = (struct iovec){ h->m.msg_control, m.msg_controllen };
	if (process_vm_writev(process, mine, 2, theirs, 2, 0) < 0)
		return -1;
	return got;
}

static ssize_t half_read(const struct half *h, pid_t process, int fd, void *data)
{
	struct iovec mine;
	ssize_t got;

	if (h->message)
		got = message_receive(h, process, fd, data);
	else if (h->at >= 0)
		got = pread(fd, data, h->n, (off_t)h->at);
	else
		got = h->socket ? recv(fd, data, h->n, h->flags) : read(fd, data, h->n);
	mine = (struct iovec){ data, got > 0 ? (size_t)got : 0 };
	if (got > 0 && process_vm_writev(process, &mine, 1, h->part, h->parts, 0) != got)
		return -1;
	return got;
}

static ssize_t half_write(const struct half *h, pid_t process, int fd, void *data)
{
	struct iovec mine = { data, h->n };

	if (process_vm_readv(process, &mine, 1, h->part, h->parts, 0) != (ssize_t)h->n)
		return -1;
	if (h->at >= 0)
		return pwrite(fd, data, h->n, (off_t)h->at);
	return h->socket ? send(fd, data, h->n, h->flags) : write(fd, data, h->n);
}

int64_t call_shorten(const struct seccomp_notif *n, pid_t process)
{
	struct half h;
	ssize_t got;
	void *data;
	int fd;

	if (!half_take(&h, process, &n->data))
		return -1;
	fd = stream_take(process, h.fd, h.reads ? POLLIN : POLLOUT);
	if (fd < 0)
		return -1;
	if (!half_cut(&h, fd)) {
		close(fd);
		return -1;
	}
	/* Whoever would take the rest may wait for us. */
	h.flags = (h.flags & ~MSG_WAITALL) | MSG_DONTWAIT | MSG_NOSIGNAL;
	data = malloc(h.n);
	got = !data	? -1
	      : h.reads ? half_read(&h, process, fd, data)
			: half_write(&h, process, fd, data);
	free(data);
	close(fd);
	return got;
}
