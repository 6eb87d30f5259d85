/*
 * bench_tls.c - a provider that costs little: TLS, a thread for each connection, and
 * answers of the size and pace that the request names.  `bench_tls CERTIFICATE KEY`
 * prints its port and serves until its standard input ends.
 *
 * A request's body is JSON with "events" (0: one small whole answer; else a stream of so
 * many chunks), "bytes" (of each chunk) and "gap" (microseconds before each but the first).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER (1 << 20)
#define CHUNK_MAX (64 << 10)

static SSL_CTX *context;

static const char small[] =
	"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-bench\","
	"\"content\":[{\"type\":\"text\",\"text\":\"hello from the bench\"}],\"stop_reason\":\"end_"
	"turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":10,\"output_tokens\":5}}";

static const char event_before[] =
	"event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
	"\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"";
static const char event_after[] = "\"}}\n\n";

static long number(const char *body, const char *name)
{
	const char *at = strstr(body, name);

	return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

static int put(SSL *s, const char *p, size_t n)
{
	return SSL_write(s, p, (int)n) == (int)n ? 0 : -1;
}

/* One chunk with events in it, of about size bytes.  Returns its length with the framing. */
static size_t chunk_make(char *out, size_t size)
{
	static const char words[] =
		"The quick brown fox jumps over the lazy dog, and then sleeps. ";
	char head[16];
	size_t n = 16, i, from, head_n;

	while (n < size + 16) {
		memcpy(out + n, event_before, sizeof(event_before) - 1);
		n += sizeof(event_before) - 1;
		for (i = 0; i < 2048 && n < size + 16; i += sizeof(words) - 1) {
			memcpy(out + n, words, sizeof(words) - 1);
			n += sizeof(words) - 1;
		}
		memcpy(out + n, event_after, sizeof(event_after) - 1);
		n += sizeof(event_after) - 1;
	}
	head_n = (size_t)snprintf(head, sizeof(head), "%zx\r\n", n - 16);
	from = 16 - head_n;
	memcpy(out + from, head, head_n);
	memcpy(out + n, "\r\n", 2);
	memmove(out, out + from, n + 2 - from);
	return n + 2 - from;
}

static int answer_stream(SSL *s, long events, long bytes, long gap)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";
	char *chunk = bytes <= CHUNK_MAX ? malloc(CHUNK_MAX + 8192) : NULL;
	size_t n;
	long i;
	int r = -1;

	if (!chunk)
		return -1;
	n = chunk_make(chunk, (size_t)bytes);
	r = put(s, head, sizeof(head) - 1);
	for (i = 0; r == 0 && i < events; i++) {
		if (i && gap)
			usleep((useconds_t)gap);
		r = put(s, chunk, n);
	}
	free(chunk);
	return r == 0 ? put(s, "0\r\n\r\n", 5) : -1;
}

static int answer(SSL *s, const char *body)
{
	char text[1024];
	int n;

	if (number(body, "\"events\":"))
		return answer_stream(s, number(body, "\"events\":"), number(body, "\"bytes\":"),
				     number(body, "\"gap\":"));
	n = snprintf(text, sizeof(text),
		     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		     "request-id: req_1\r\nContent-Length: %zu\r\n\r\n%s",
		     sizeof(small) - 1, small);
	return put(s, text, (size_t)n);
}

/* Serve requests until the connection ends. */
static void serve(SSL *s, char *buf)
{
	size_t have = 0, whole;
	char *end, *length;
	int got;

	for (;;) {
		buf[have] = '\0';
		end = strstr(buf, "\r\n\r\n");
		length = end ? strcasestr(buf, "\r\ncontent-length:") : NULL;
		whole = end ? (size_t)(end + 4 - buf) : BUFFER;
		if (length && length < end)
			whole += strtoul(length + 17, NULL, 10);
		if (end && have >= whole) {
			if (answer(s, end + 4) != 0)
				return;
			have = 0;
			continue;
		}
		if (whole > BUFFER - 1 && end)
			return;
		got = SSL_read(s, buf + have, (int)(BUFFER - 1 - have));
		if (got <= 0)
			return;
		have += (size_t)got;
	}
}

static void *connection(void *arg)
{
	int fd = (int)(long)arg, on = 1;
	char *buf = malloc(BUFFER);
	SSL *s = SSL_new(context);

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (buf && s && SSL_set_fd(s, fd) == 1 && SSL_accept(s) == 1)
		serve(s, buf);
	SSL_free(s);
	free(buf);
	close(fd);
	return NULL;
}

static void *wait_for_end(void *arg)
{
	char byte;

	(void)arg;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	pthread_t t;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	signal(SIGPIPE, SIG_IGN);
	context = SSL_CTX_new(TLS_server_method());
	if (argc != 3 || !context ||
	    SSL_CTX_use_certificate_file(context, argv[1], SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, argv[2], SSL_FILETYPE_PEM) != 1 || listener < 0 ||
	    bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 64) != 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &n) != 0 ||
	    pthread_create(&t, NULL, wait_for_end, NULL) != 0)
		return 1;
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	while ((fd = accept(listener, NULL, NULL)) >= 0)
		if (pthread_create(&t, NULL, connection, (void *)(long)fd) == 0)
			pthread_detach(t);
	return 1;
}
