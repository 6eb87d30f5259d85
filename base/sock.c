/*
 * base/sock.c - unix SOCK_SEQPACKET sockets: connecting, packets, ancillary data.
 */
#include "base/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fail.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76 /* Linux 6.5 */
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5; Debian 12's headers lack it */
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

/* How long connecting, or each send, may take. */
#define SEND_PATIENCE_MS 10000

/* How long a call waits, at most, where a peer would have it wait. */
#define WAIT_US 50000

/* SO_ACCEPTCON of the flags in /proc/net/unix: it listens (proc_net(5) has no name for it). */
#define ACCEPTS 0x10000

static bool waits_limited;

static void on_alarm(int sig)
{
	(void)sig;
}

void sock_limit_waits(void)
{
	const struct sigaction interrupt = { .sa_handler = on_alarm };
	sigset_t set;

	sigaction(SIGALRM, &interrupt, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	waits_limited = true;
}

/* The signal comes again and again, since one that comes before the call is lost. */
static void wait_limit(suseconds_t us)
{
	const struct itimerval timer = { { 0, us }, { 0, us } };

	if (waits_limited)
		setitimer(ITIMER_REAL, &timer, NULL);
}

void sock_close(int fd)
{
	wait_limit(WAIT_US);
	close(fd);
	wait_limit(0);
}

static int sock_address(struct sockaddr_un *sa, const char *path, struct failure *f)
{
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sa->sun_path))
		return fail_set(f, FAIL_UNSAFE_PATH, "set XDG_RUNTIME_DIR to a shorter directory",
				"socket path too long (%zu bytes, %zu fit): %s", strlen(path),
				sizeof(sa->sun_path) - 1, path);
	memcpy(sa->sun_path, path, strlen(path) + 1);
	return 0;
}

static int sock_pass_credentials(int fd)
{
	int one = 1;

	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
}

/* Fails on kernels without the option, which cannot refuse descriptors. */
static void sock_set_pass_rights(int fd, int on)
{
	setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &on, sizeof(on));
}

int sock_prepare_listener(int fd)
{
	sock_set_pass_rights(fd, 0);
	return sock_pass_credentials(fd);
}

void sock_allow_fds(int fd)
{
	sock_set_pass_rights(fd, 1);
}

/* Does a process listen, or may it?  false: the file was left by one that has ended. */
static bool sock_file_is_live(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused;

	if (fd < 0)
		return true;
	refused =
		connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) != 0 && errno == ECONNREFUSED;
	close(fd);
	return !refused;
}

int sock_listen(const char *path, mode_t mode, int backlog, struct failure *f)
{
	struct sockaddr_un sa;
	struct stat st;
	int fd;

	if (sock_address(&sa, path, f) != 0)
		return -1;
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return fail_set(f, FAIL_UNSAFE_PATH, "move it away",
					"%s: in the socket's place is something else", path);
		if (sock_file_is_live(&sa))
			return fail_set(f, FAIL_BUSY,
					"one broker a runtime directory; give the other its own",
					"another broker listens on %s", path);
		if (unlink(path) != 0)
			return fail_errno(f, NULL, "stale socket %s", path);
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail_errno(f, NULL, "socket");
	/* fchmod before bind: the file has the mode from the start, whatever the umask. */
	if (fchmod(fd, mode) != 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    chmod(path, mode) != 0 || sock_prepare_listener(fd) != 0 || listen(fd, backlog) != 0) {
		fail_errno(f, NULL, "listen on %s", path);
		close(fd);
		return -1;
	}
	return fd;
}

/* What comes over it from now on comes with its sender, where the kernel can with a pidfd. */
static int sock_name_senders(int fd)
{
	int one = 1;

	/* Before Linux 6.5: fails, and sock_control.pidfd stays -1. */
	setsockopt(fd, SOL_SOCKET, SO_PASSPIDFD, &one, sizeof(one));
	return sock_pass_credentials(fd);
}

int sock_connect_within(const char *path, int ms, struct failure *f)
{
	const struct timeval patience = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	struct sockaddr_un sa;
	int fd, saved;

	errno = ENAMETOOLONG;
	if (sock_address(&sa, path, f) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_errno(f, NULL, "socket");
	/* A broker that is stopped and whose queue is full must not block its clients. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (sock_name_senders(fd) != 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		saved = errno;
		fail_errno(f, NULL, "connect to %s", path);
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

bool sock_names_sender(int fd)
{
	socklen_t n = sizeof(int);
	int on = 0;

	return getsockopt(fd, SOL_SOCKET, SO_PASSPIDFD, &on, &n) == 0 && on;
}

int sock_connect_stream(const char *path)
{
	struct sockaddr_un sa;
	int fd, saved;

	errno = ENAMETOOLONG;
	if (sock_address(&sa, path, NULL) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	sock_set_pass_rights(fd, 0);
	if (sock_name_senders(fd) == 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

unsigned sock_listeners(const char *path)
{
	FILE *all = fopen("/proc/net/unix", "re");
	char line[512];
	unsigned flags, n = 0;
	int at;

	/* Num RefCount Protocol Flags Type St Inode Path; sun_path is shorter than the line. */
	while (all && fgets(line, sizeof(line), all)) {
		at = 0;
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %*s %*s %x %*s %*s %*s %n", &flags, &at) == 1 && at > 0 &&
		    (flags & ACCEPTS) && strcmp(line + at, path) == 0)
			n++;
	}
	if (all)
		fclose(all);
	return n;
}

int sock_connect(const char *path, struct failure *f)
{
	return sock_connect_within(path, SEND_PATIENCE_MS, f);
}

int sock_accept(int listener)
{
	int fd, saved;

	wait_limit(WAIT_US);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	saved = errno;
	wait_limit(0);
	errno = saved;
	if (fd < 0)
		return -1;
	if (sock_pass_credentials(fd) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int sock_peer(int fd, pid_t *pid, uid_t *uid)
{
	struct ucred c;
	socklen_t n = sizeof(c);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) != 0)
		return -1;
	/* PID 0: the peer is in a PID namespace that is not visible from ours. */
	if (c.pid <= 0) {
		errno = ESRCH;
		return -1;
	}
	*pid = c.pid;
	*uid = c.uid;
	return 0;
}

int sock_peer_pidfd(int fd, pid_t pid, bool *exact)
{
	socklen_t n = sizeof(int);
	int pidfd = -1;

	*exact = true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &n) == 0) {
		fcntl(pidfd, F_SETFD, FD_CLOEXEC);
		return pidfd;
	}
	/* Any other error: the peer was reaped, so its PID may have been reused. */
	if (errno != ENOPROTOOPT)
		return -1;
	*exact = false;
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int sock_send(int fd, const struct iovec *iov, int n, int pass)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n };
	struct cmsghdr *c;
	ssize_t r;

	if (pass >= 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = control.buf;
		m.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass, sizeof(int));
	}
	do
		r = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -1 : 0;
}

int sock_send_nonblock(int fd, const struct iovec *iov, int n)
{
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n };
	ssize_t r;

	do
		r = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -1 : 0;
}

#define CREDENTIALS_ROOM CMSG_SPACE(sizeof(struct ucred))

/* Keep the first descriptor, close all others. */
static void control_add_fds(struct cmsghdr *c, struct sock_control *control)
{
	size_t i, n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fd;

	for (i = 0; i < n; i++) {
		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		if (control->fd < 0)
			control->fd = fd;
		else
			sock_close(fd);
	}
}

void sock_control_close(struct sock_control *control)
{
	if (control->fd >= 0)
		sock_close(control->fd);
	if (control->pidfd >= 0)
		close(control->pidfd);
	control->fd = control->pidfd = -1;
}

static void control_add(struct cmsghdr *c, struct sock_control *control)
{
	struct ucred cred;

	if (c->cmsg_level != SOL_SOCKET)
		return;
	if (c->cmsg_type == SCM_CREDENTIALS) {
		memcpy(&cred, CMSG_DATA(c), sizeof(cred));
		control->have_sender = true;
		control->pid = cred.pid;
		control->uid = cred.uid;
	} else if (c->cmsg_type == SCM_PIDFD) {
		memcpy(&control->pidfd, CMSG_DATA(c), sizeof(int));
	} else if (c->cmsg_type == SCM_RIGHTS) {
		control_add_fds(c, control);
	}
}

/* room: bytes of ancillary data that are taken; the kernel puts the credentials first. */
static ssize_t recv_with(int fd, void *buf, size_t size, int flags, size_t room,
			 struct sock_control *control)
{
	union {
		struct cmsghdr align;
		char buf[CREDENTIALS_ROOM + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(int) * 4)];
	} ancillary;
	struct sock_control mine;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t r;
	int saved;

	if (!control)
		control = &mine;
	memset(control, 0, sizeof(*control));
	control->fd = control->pidfd = -1;
	memset(&ancillary, 0, sizeof(ancillary));
	m.msg_control = ancillary.buf;
	m.msg_controllen = room < sizeof(ancillary.buf) ? room : sizeof(ancillary.buf);
	/* What does not fit into the buffer is closed by the call. */
	if (flags & MSG_DONTWAIT)
		wait_limit(WAIT_US);
	do
		r = recvmsg(fd, &m, flags | MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	saved = errno;
	if (flags & MSG_DONTWAIT)
		wait_limit(0);
	errno = saved;
	if (r < 0)
		return -1;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		control_add(c, control);
	if (m.msg_flags & MSG_TRUNC) {
		sock_control_close(control);
		errno = EMSGSIZE;
		return -1;
	}
	if (control == &mine)
		sock_control_close(&mine);
	return r;
}

ssize_t sock_recv(int fd, void *buf, size_t size, int flags, struct sock_control *control)
{
	return recv_with(fd, buf, size, flags, SIZE_MAX, control);
}

ssize_t sock_recv_no_fds(int fd, void *buf, size_t size, int flags, struct sock_control *control)
{
	return recv_with(fd, buf, size, flags, CREDENTIALS_ROOM, control);
}
