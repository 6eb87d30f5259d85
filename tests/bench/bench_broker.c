/*
 * bench_broker.c - the broker against a bare SEQPACKET echo of the same sizes,
 * interleaved in one run.  `bench_broker SOCKET ENTRY ORIGIN ECHO_SOCKET`.
 *
 * The broker side is a whole open + claim (the entry's policy allows env
 * delivery and nested requesters, so that one marked, undumpable process can
 * do it many times); the echo side makes the same connects, sends as many
 * bytes and gets as many back, from a server that looks at nothing.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/proc.h"
#include "base/sock.h"
#include "sandbox/filter_load.h"
#include "sandbox/session_filter.h"
#include "wire/claim.h"
#include "wire/limits.h"
#include "wire/pack.h"

#define SINGLE 3000
/* Half of what may be connected from sessions: one that is being closed counts still. */
#define CLIENTS 32
#define EACH 120

static char buf[WIRE_PACKET_MAX];
static size_t open_out, open_in, claim_in; /* sizes, measured on the first launch */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_broker: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* ---- the echo ---- */

static void answer(int fd, uint8_t *in, ssize_t n, struct sock_control *b)
{
	struct iovec iov = { buf, 0 };

	(void)n;
	memcpy(&iov.iov_len, in, sizeof(size_t));
	if (sock_send(b->fd >= 0 ? b->fd : fd, &iov, 1, -1) != 0)
		close(fd);
	if (b->fd >= 0)
		close(b->fd);
}

static void echo_server(const char *path)
{
	static uint8_t in[WIRE_PACKET_MAX];
	struct epoll_event ev = { .events = EPOLLIN }, got[64];
	struct sock_control b;
	int ep = epoll_create1(0), fd, i, n;
	int listener = sock_listen(path, 0600, 128, NULL);
	ssize_t r;

	if (listener < 0)
		die("echo listen");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ev.data.fd = listener;
	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		n = epoll_wait(ep, got, 64, -1);
		for (i = 0; i < n; i++) {
			if (got[i].data.fd == listener) {
				while ((fd = sock_accept(listener)) >= 0) {
					sock_allow_fds(fd);
					ev.data.fd = fd;
					epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
				}
				continue;
			}
			r = sock_recv(got[i].data.fd, in, sizeof(in), MSG_DONTWAIT, &b);
			if (r <= 0)
				close(got[i].data.fd);
			else
				answer(got[i].data.fd, in, r, &b);
		}
	}
}

static void exchange(int fd, size_t out, size_t in, int pass, int from)
{
	static uint8_t packet[WIRE_PACKET_MAX];
	struct iovec iov = { packet, out < sizeof(size_t) ? sizeof(size_t) : out };

	memcpy(packet, &in, sizeof(in));
	if (sock_send(fd, &iov, 1, pass) != 0)
		die("echo send");
	if (pass >= 0)
		close(pass);
	if (sock_recv(from, packet, sizeof(packet), 0, NULL) != (ssize_t)in)
		die("echo receive");
}

static void echo_once(const char *path)
{
	int fd = sock_connect(path, NULL), pair[2];

	if (fd < 0)
		die("echo connect");
	exchange(fd, open_out, open_in, -1, fd);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		die("socketpair");
	exchange(fd, CLAIM_HEAD, claim_in, pair[1], pair[0]);
	close(pair[0]);
	close(fd);
}

/* ---- the broker ---- */

static struct wire_out *request(const char *entry, const char *origin)
{
	struct wire_out *o = wire_request("open");

	wire_put_str(o, "provider", "bench");
	wire_put_str(o, "mode", "");
	wire_put_str(o, "delivery", "env");
	wire_put_bool(o, "strict", false);
	wire_begin_array(o, "entries");
	wire_begin_item(o);
	wire_put_str(o, "name", entry);
	wire_put_str(o, "variable", "ANTHROPIC_AUTH_TOKEN");
	wire_put_str(o, "origin", origin);
	return o;
}

/* The bytes of a message, counted by sending it. */
static size_t packet_size(const struct wire_out *o)
{
	int pair[2];
	ssize_t n = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0 && wire_send(pair[0], o, -1) == 0)
		n = sock_recv(pair[1], buf, sizeof(buf), 0, NULL);
	if (n <= 0)
		die("measure a request");
	close(pair[0]);
	close(pair[1]);
	return (size_t)n;
}

static void broker_once(const char *path, const struct wire_out *open_request)
{
	uint8_t head[CLAIM_HEAD];
	struct iovec iov = { head, sizeof(head) };
	int fd = sock_connect(path, NULL), pair[2];
	ssize_t n;

	if (fd < 0 || wire_send(fd, open_request, -1) != 0)
		die("open");
	n = sock_recv(fd, buf, sizeof(buf), 0, NULL);
	if (n <= 0 || !memmem(buf, (size_t)n, "granted", 7)) {
		fprintf(stderr, "bench_broker: not granted: %.*s\n", (int)n, buf);
		_exit(1);
	}
	open_in = (size_t)n;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		die("socketpair");
	claim_put_head(head, CLAIM_CLAIM, 0);
	if (sock_send(fd, &iov, 1, pair[1]) != 0)
		die("claim");
	close(pair[1]);
	n = sock_recv(pair[0], buf, sizeof(buf), 0, NULL);
	if (claim_type((uint8_t *)buf, (size_t)n) != CLAIM_OK) {
		fprintf(stderr, "bench_broker: refused: %.*s\n", (int)n - 14, buf + 14);
		_exit(1);
	}
	claim_in = (size_t)n;
	close(pair[0]);
	close(fd);
}

/* ---- measuring ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct side {
	const char *path;
	const struct wire_out *open_request; /* NULL: the echo */
};

static void once(const struct side *s)
{
	if (s->open_request)
		broker_once(s->path, s->open_request);
	else
		echo_once(s->path);
}

static void single(const struct side side[2], double out[2][2])
{
	static double t[2][SINGLE];
	double start;
	int i, k;

	for (i = 0; i < SINGLE; i++)
		for (k = 0; k < 2; k++) {
			start = now();
			once(&side[k]);
			t[k][i] = now() - start;
		}
	for (k = 0; k < 2; k++) {
		qsort(t[k], SINGLE, sizeof(double), compare);
		out[k][0] = t[k][0];
		out[k][1] = t[k][SINGLE / 2];
	}
}

/* CLIENTS processes at once; requests a second, median and p99 of one. */
static void many(const struct side *s, double out[3])
{
	double *t = mmap(NULL, sizeof(double) * CLIENTS * EACH, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double start = now(), at;
	int i, c;

	for (c = 0; c < CLIENTS; c++)
		if (fork() == 0) {
			for (i = 0; i < EACH; i++) {
				at = now();
				once(s);
				t[c * EACH + i] = now() - at;
			}
			_exit(0);
		}
	while (wait(NULL) > 0 || errno == EINTR) {
		if (--c == 0)
			break;
	}
	out[0] = CLIENTS * EACH / ((now() - start) / 1e6);
	qsort(t, CLIENTS * EACH, sizeof(double), compare);
	out[1] = t[CLIENTS * EACH / 2];
	out[2] = t[CLIENTS * EACH * 99 / 100];
	munmap(t, sizeof(double) * CLIENTS * EACH);
}

/* A million requests on few connections; for the resident size afterwards. */
static void million(const char *path, long n)
{
	struct wire_out *o = wire_request("hello");
	int fd = sock_connect(path, NULL);
	long i;

	for (i = 0; i < n; i++)
		if (wire_send(fd, o, -1) != 0 || sock_recv(fd, buf, sizeof(buf), 0, NULL) <= 0)
			die("hello");
	close(fd);
	wire_out_free(o);
}

int main(int argc, char **argv)
{
	struct side side[2];
	double one[2][2], load[2][3];
	pid_t echo;
	int round;

	if (argc == 4 && strcmp(argv[1], "million") == 0) {
		million(argv[2], atol(argv[3]));
		return 0;
	}
	if (argc != 5)
		return 2;
	if (proc_mark_self() != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    filter_load(&session_filter) != 0)
		die("mark");
	echo = fork();
	if (echo == 0)
		echo_server(argv[4]);
	proc_harden_self();
	side[0] = (struct side){ argv[1], request(argv[2], argv[3]) };
	side[1] = (struct side){ argv[4], NULL };
	open_out = packet_size(side[0].open_request);
	usleep(100000);
	broker_once(argv[1], side[0].open_request);
	single(side, one);
	printf("one %.1f %.1f %.1f %.1f\n", one[0][0], one[0][1], one[1][0], one[1][1]);
	for (round = 0; round < 5; round++) {
		many(&side[0], load[0]);
		many(&side[1], load[1]);
		printf("many %.0f %.1f %.1f %.0f %.1f %.1f\n", load[0][0], load[0][1], load[0][2],
		       load[1][0], load[1][1], load[1][2]);
	}
	kill(echo, SIGKILL);
	return 0;
}
