/*
 * tests/base/test_sock.c - packets with their sender and at most one
 * descriptor; where a socket may lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/sock.h"
#include "tests/base/base_fixture.h"

/* A connected pair through path: ours, and the accepted end. */
static void connected(const char *path, int *listener, int *ours, int *theirs)
{
	struct failure f = { 0 };

	*listener = sock_listen(path, 0600, 8, &f);
	assert_true(*listener >= 0);
	*ours = sock_connect(path, &f);
	assert_true(*ours >= 0);
	*theirs = sock_accept(*listener);
	assert_true(*theirs >= 0);
}

static int send_text(int fd, const char *text, int pass)
{
	struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };

	return sock_send(fd, &iov, 1, pass);
}

static void test_sock_packets(void **state)
{
	struct sock_control beside;
	int l, a, b;
	char buf[64];
	bool exact;
	uid_t uid;
	pid_t pid;

	(void)state;
	connected(in_dir("sock"), &l, &a, &b);
	assert_int_equal(sock_peer(b, &pid, &uid), 0);
	assert_int_equal(pid, getpid());
	assert_int_equal(uid, getuid());

	close(sock_peer_pidfd(b, pid, &exact));
	assert_int_equal(sock_recv(b, buf, sizeof(buf), MSG_DONTWAIT, &beside), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(send_text(a, "hello", -1), 0);
	assert_int_equal(send_text(a, "", -1), 0);
	assert_int_equal(send_text(a, "longer than four", -1), 0);
	assert_int_equal(sock_recv(b, buf, sizeof(buf), 0, &beside), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_true(beside.have_sender && beside.pid == getpid() && beside.uid == getuid());
	assert_int_equal(beside.fd, -1);
	/* An empty packet has a sender; the end of a connection has none. */
	assert_int_equal(sock_recv(b, buf, sizeof(buf), 0, &beside), 0);
	assert_true(beside.have_sender);
	assert_int_equal(sock_recv(b, buf, 4, 0, &beside), -1);
	assert_int_equal(errno, EMSGSIZE);
	close(a);
	assert_int_equal(sock_recv(b, buf, sizeof(buf), 0, &beside), 0);
	assert_false(beside.have_sender && beside.pid != 0);
	assert_int_equal(send_text(b, "x", -1), -1); /* and no SIGPIPE */
	assert_int_equal(errno, EPIPE);
	close(b);
	close(l);
}

/* How many descriptors this process has. */
static int open_fds(void)
{
	int i, n = 0;

	for (i = 0; i < 200; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return n;
}

static void send_many(int fd, int count)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * 10)];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t) "x", 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.buf,
			    .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int i, zero = 0;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
	for (i = 0; i < count; i++)
		memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &zero, sizeof(zero));
	assert_int_equal(sendmsg(fd, &m, 0), 1);
}

static void test_sock_fds(void **state)
{
	struct sock_control beside;
	int l, a, b, before;
	char buf[8];

	(void)state;
	connected(in_dir("sock"), &l, &a, &b);
	if (send_text(a, "x", 0) != 0)
		assert_int_equal(errno, EPERM); /* since Linux 6.16 */
	else
		assert_int_equal(sock_recv(b, buf, sizeof(buf), 0, NULL), 1);
	sock_allow_fds(b);
	before = open_fds();
	send_many(a, 1);
	assert_int_equal(sock_recv(b, buf, sizeof(buf), 0, &beside), 1);
	assert_true(beside.fd >= 0);
	assert_int_equal(fcntl(beside.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(open_fds(), before + 1);
	close(beside.fd);
	/* One is kept, the others closed, those for which there is no room too. */
	send_many(a, 3);
	assert_int_equal(sock_recv(b, buf, sizeof(buf), 0, &beside), 1);
	assert_int_equal(open_fds(), before + 1);
	close(beside.fd);
	send_many(a, 10);
	assert_int_equal(sock_recv(b, buf, sizeof(buf), 0, &beside), 1);
	assert_int_equal(open_fds(), before + 1);
	close(beside.fd);
	send_many(a, 1);
	assert_int_equal(sock_recv(b, buf, sizeof(buf), 0, NULL), 1);
	assert_int_equal(open_fds(), before);
	send_many(a, 1); /* and beside a packet that is too long */
	assert_int_equal(sock_recv(b, buf, 0, 0, &beside), -1);
	assert_int_equal(open_fds(), before);
	close(a);
	close(b);
	close(l);
}

static void test_sock_send_now(void **state)
{
	static char big[8192];
	struct iovec iov = { big, sizeof(big) };
	int fds[2], i;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	for (i = 0; i < 10000 && sock_send_nonblock(fds[0], &iov, 1) == 0; i++)
		;
	assert_int_equal(errno, EAGAIN); /* although the socket is a blocking one */
	close(fds[0]);
	close(fds[1]);
}

static void test_sock_paths(void **state)
{
	char path[200];
	struct failure f = { 0 };
	struct stat st;
	int fd;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(sock_listen(path, 0600, 1, &f), -1);
	assert_int_equal(f.code, FAIL_UNSAFE_PATH);
	assert_int_equal(sock_connect(path, &f), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(sock_connect(in_dir("nobody"), &f), -1);
	assert_int_equal(errno, ENOENT);
	write_file(in_dir("plain"), "keep me", 0600);
	assert_int_equal(sock_listen(in_dir("plain"), 0600, 1, &f), -1);
	assert_int_equal(f.code, FAIL_UNSAFE_PATH);
	assert_int_equal(access(in_dir("plain"), F_OK), 0);
	fd = sock_listen(in_dir("stale"), 0600, 1, &f);
	assert_true(fd >= 0);
	assert_int_equal(stat(in_dir("stale"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close(fd);
	assert_int_equal(sock_connect(in_dir("stale"), &f), -1);
	assert_int_equal(errno, ECONNREFUSED);
	fd = sock_listen(in_dir("stale"), 0600, 1, &f);
	assert_true(fd >= 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sock_packets),
		cmocka_unit_test(test_sock_fds),
		cmocka_unit_test(test_sock_send_now),
		cmocka_unit_test(test_sock_paths),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
