/*
 * bench_relay.c - requests by relay and straight to the provider (bench_tls.c), in turn.
 * It is the program of a session: the relay is at ANTHROPIC_UNIX_SOCKET.
 *
 * `bench_relay PORT CA requests ROUNDS`         a small request on a kept connection
 * `bench_relay PORT CA large MIB ROUNDS`        an answer of MIB
 * `bench_relay PORT CA streams N EVENTS GAP ROUNDS` N streams at once
 * each print `MIN MEDIAN MIN MEDIAN`, microseconds by relay and straight.
 * `bench_relay PORT CA only N` makes N requests by relay, prints the relay's pid and waits
 * for the end of its standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/sock.h"

#define STREAMS_MAX 64
#define BODY_SIZE 1024
#define BUFFER (64 << 10)

static SSL_CTX *context;
static struct sockaddr_in provider = { .sin_family = AF_INET };
static struct sockaddr_un relay = { .sun_family = AF_UNIX };

struct way {
	int fd;
	SSL *tls; /* NULL: by relay */
	char buf[BUFFER];
};

static void die(const char *what)
{
	fprintf(stderr, "bench_relay: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- the two ways ---- */

static void way_open_relay(struct way *w)
{
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&relay, sizeof(relay)) != 0)
		die("the relay");
}

static void way_open_provider(struct way *w)
{
	int on = 1;

	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&provider, sizeof(provider)) != 0)
		die("the provider");
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	w->tls = SSL_new(context);
	if (!w->tls || SSL_set1_host(w->tls, "localhost") != 1 || SSL_set_fd(w->tls, w->fd) != 1 ||
	    SSL_connect(w->tls) != 1)
		die("TLS");
}

static struct way *way_open(bool relayed)
{
	struct way *w = calloc(1, sizeof(*w));

	if (!w)
		die("memory");
	if (relayed)
		way_open_relay(w);
	else
		way_open_provider(w);
	return w;
}

static void way_close(struct way *w)
{
	SSL_free(w->tls);
	close(w->fd);
	free(w);
}

static void way_send(struct way *w, const char *p, size_t n)
{
	ssize_t sent = w->tls ? SSL_write(w->tls, p, (int)n) : send(w->fd, p, n, MSG_NOSIGNAL);

	if (sent != (ssize_t)n)
		die("send");
}

static size_t way_recv(struct way *w, char *p, size_t n)
{
	ssize_t got = w->tls ? SSL_read(w->tls, p, (int)n) : recv(w->fd, p, n, 0);

	if (got <= 0)
		die("the answer ended too early");
	return (size_t)got;
}

/* ---- a request ---- */

static size_t request_make(char *out, size_t size, long events, long bytes, long gap)
{
	char body[BODY_SIZE + 1];
	int n = snprintf(body, sizeof(body),
			 "{\"model\":\"claude-bench\",\"stream\":%s,\"events\":%ld,\"bytes\":%ld,"
			 "\"gap\":%ld,\"messages\":[{\"role\":\"user\",\"content\":\"",
			 events ? "true" : "false", events, bytes, gap);

	memset(body + n, 'x', (size_t)(BODY_SIZE - n));
	memcpy(body + BODY_SIZE - 4, "\"}]}", 4);
	body[BODY_SIZE] = '\0';
	n = snprintf(out, size,
		     "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"
		     "Content-Type: application/json\r\nAccept: application/json\r\n"
		     "User-Agent: bench\r\nanthropic-version: 2023-06-01\r\n"
		     "Authorization: Bearer placeholder\r\nContent-Length: %d\r\n\r\n%s",
		     BODY_SIZE, body);
	return (size_t)n;
}

/* Has all of an answer in chunks come, of which buf holds the last n bytes? */
static bool chunks_end(const char *buf, size_t n)
{
	return n >= 5 && memcmp(buf + n - 5, "0\r\n\r\n", 5) == 0;
}

/* Read one answer, of a length or in chunks. */
static void answer_read(struct way *w)
{
	size_t have = 0, whole, keep;
	char *end = NULL, *length;

	while (!end) {
		have += way_recv(w, w->buf + have, BUFFER - 1 - have);
		w->buf[have] = '\0';
		end = strstr(w->buf, "\r\n\r\n");
	}
	if (strncmp(w->buf, "HTTP/1.1 200", 12) != 0) {
		fprintf(stderr, "bench_relay: %s\n", w->buf);
		_exit(1);
	}
	length = strcasestr(w->buf, "\r\ncontent-length:");
	if (length && length < end) {
		whole = strtoul(length + 17, NULL, 10) + (size_t)(end + 4 - w->buf);
		while (have < whole)
			have += way_recv(w, w->buf, BUFFER - 1);
		return;
	}
	while (!chunks_end(w->buf, have)) {
		keep = have < 4 ? have : 4;
		memmove(w->buf, w->buf + have - keep, keep);
		have = keep + way_recv(w, w->buf + keep, BUFFER - 1 - keep);
	}
}

static double exchange(struct way *w, const char *request, size_t n)
{
	double start = now();

	way_send(w, request, n);
	answer_read(w);
	return now() - start;
}

/* ---- measuring ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* t[0], t[1]: rounds times by relay, and straight. */
static void times_print(double *t[2], size_t rounds)
{
	int k;

	for (k = 0; k < 2; k++) {
		qsort(t[k], rounds, sizeof(double), compare);
		printf("%.1f %.1f%c", t[k][0], t[k][rounds / 2], k ? '\n' : ' ');
	}
}

static void kept(const char *request, size_t n, size_t rounds, double *t[2])
{
	struct way *w[2] = { way_open(true), way_open(false) };
	size_t i;
	int k;

	for (k = 0; k < 2; k++) /* warm up */
		exchange(w[k], request, n);
	for (i = 0; i < rounds; i++)
		for (k = 0; k < 2; k++)
			t[k][i] = exchange(w[k], request, n);
	way_close(w[0]);
	way_close(w[1]);
}

struct stream {
	pthread_t thread;
	struct way *way;
	const char *request;
	size_t n;
};

static void *stream_run(void *arg)
{
	struct stream *s = arg;

	exchange(s->way, s->request, s->n);
	return NULL;
}

/* Streams at once: until the last one has ended. */
static void streams(const char *request, size_t n, unsigned count, size_t rounds, double *t[2])
{
	struct stream s[2][STREAMS_MAX];
	unsigned i, k;
	double start;
	size_t r;

	for (k = 0; k < 2; k++)
		for (i = 0; i < count; i++)
			s[k][i] = (struct stream){ 0, way_open(k == 0), request, n };
	for (r = 0; r < rounds + 1; r++) /* the first one warms up */
		for (k = 0; k < 2; k++) {
			start = now();
			for (i = 0; i < count; i++)
				if (pthread_create(&s[k][i].thread, NULL, stream_run, &s[k][i]) !=
				    0)
					die("thread");
			for (i = 0; i < count; i++)
				pthread_join(s[k][i].thread, NULL);
			t[k][r ? r - 1 : 0] = now() - start;
		}
	for (k = 0; k < 2; k++)
		for (i = 0; i < count; i++)
			way_close(s[k][i].way);
}

static void only(const char *request, size_t n, long count)
{
	struct way *w = way_open(true);
	struct sock_control control;
	int on = 1;
	char byte;

	while (count-- > 0)
		exchange(w, request, n);
	setsockopt(w->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	way_send(w, request, n);
	if (sock_recv(w->fd, w->buf, BUFFER, 0, &control) <= 0 || !control.have_sender)
		die("the relay's number");
	printf("%d\n", (int)control.pid);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	way_close(w);
}

static int measure(int argc, char **argv)
{
	long a = argc > 1 ? atol(argv[1]) : 0, rounds = argc > 1 ? atol(argv[argc - 1]) : 0;
	char request[4096];
	double *t[2];
	size_t n;

	t[0] = calloc((size_t)rounds, sizeof(double));
	t[1] = calloc((size_t)rounds, sizeof(double));
	if (rounds < 1 || !t[0] || !t[1])
		return 2;
	n = request_make(request, sizeof(request), 0, 0, 0);
	if (strcmp(argv[0], "only") == 0) {
		only(request, n, a);
		return 0;
	}
	if (strcmp(argv[0], "requests") == 0) {
		kept(request, n, (size_t)rounds, t);
	} else if (strcmp(argv[0], "large") == 0 && argc == 3) {
		n = request_make(request, sizeof(request), a * 64, 16 << 10, 0);
		kept(request, n, (size_t)rounds, t);
	} else if (strcmp(argv[0], "streams") == 0 && argc == 5 && a > 0 && a <= STREAMS_MAX) {
		n = request_make(request, sizeof(request), atol(argv[2]), 200, atol(argv[3]));
		streams(request, n, (unsigned)a, (size_t)rounds, t);
	} else {
		return 2;
	}
	times_print(t, (size_t)rounds);
	return 0;
}

int main(int argc, char **argv)
{
	const char *path = getenv("ANTHROPIC_UNIX_SOCKET");

	if (argc < 5 || !path || strlen(path) >= sizeof(relay.sun_path))
		return 2;
	memcpy(relay.sun_path, path, strlen(path));
	provider.sin_port = htons((uint16_t)atoi(argv[1]));
	provider.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	context = SSL_CTX_new(TLS_client_method());
	if (!context || SSL_CTX_load_verify_locations(context, argv[2], NULL) != 1)
		die(argv[2]);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	return measure(argc - 3, argv + 3);
}
