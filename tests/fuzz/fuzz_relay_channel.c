/*
 * tests/fuzz/fuzz_relay_channel.c - what comes to a relay over its channel: the files and the
 * message that it starts with, and then messages of any kind.
 *
 * A message is a byte for what comes beside it (0 nothing, 1 a sealed file, 2 a socket that listens,
 * 3 a process), two for its length, and its bytes.  What is checked besides memory: settings that
 * were taken are a host, a port and headers that may be written; a token lies inside the packet;
 * no descriptor and no locked memory is left.
 *
 * Targets: relay/channel.c relay/settings.c
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/fail.h"
#include "base/sock.h"
#include "relay/channel.h"
#include "relay/settings.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_arena.h"
#include "vault/arena.h"
#include "vault/crypto.h"

ssize_t __wrap_sock_recv(int fd, void *buf, size_t size, int flags, struct sock_control *c);
int __wrap_io_wait(int fd, short events, int64_t deadline);

static struct {
	const uint8_t *p;
	size_t n;
} rest;
static int beside[4] = { -1 }; /* what a message may bring */
static struct channel channel;

/* The next message of the input; at its end the broker has hung up. */
ssize_t __wrap_sock_recv(int fd, void *buf, size_t size, int flags, struct sock_control *c)
{
	size_t n;
	int what;

	(void)fd;
	(void)flags;
	memset(c, 0, sizeof(*c));
	c->pidfd = c->fd = -1;
	if (rest.n < 3)
		return 0;
	what = beside[rest.p[0] % 4];
	n = (size_t)rest.p[1] << 8 | rest.p[2];
	rest.p += 3;
	rest.n -= 3;
	n = n < rest.n ? n : rest.n;
	n = n < size ? n : size;
	memcpy(buf, rest.p, n);
	rest.p += n;
	rest.n -= n;
	if (what >= 0)
		c->fd = fcntl(what, F_DUPFD_CLOEXEC, 3);
	return (ssize_t)n;
}

int __wrap_io_wait(int fd, short events, int64_t deadline)
{
	(void)fd;
	(void)events;
	(void)deadline;
	return 1;
}

static void check_settings(const struct relay_settings *s)
{
	size_t i;

	MUST(s->host[0] && s->port && s->pid > 0 && s->session >= 0 && s->listener >= 0);
	MUST(!strpbrk(s->host, "\r\n \t/@") && !strpbrk(s->prefix, "\r\n \t"));
	MUST(strncmp(s->url, s->tls ? "https://" : "http://", s->tls ? 8 : 7) == 0);
	MUST(s->provider.fields.secret_count >= 1 &&
	     s->provider.fields.secret_count <= SESSION_ENTRIES_MAX);
	for (i = 0; i < s->provider.fields.added_count; i++)
		MUST(request_added_ok(&s->provider.fields.added[i]));
	MUST(!s->proxy[0] || s->proxy_port);
}

static void read_messages(void)
{
	struct channel_message m;
	struct failure f = { 0 };
	int r;

	while ((r = relay_channel_receive(&channel, &m, &f)) == 1) {
		fuzz_understood++;
		if (m.op == CHANNEL_VALUE)
			MUST(m.token >= channel.packet &&
			     m.token + m.token_n <= channel.packet + channel.n);
		MUST(memchr(m.path, '\0', sizeof(m.path)));
		relay_channel_forget(&channel, &m);
	}
	MUST(r == -1);
}

static void settings_release(struct relay_settings *s)
{
	int fds[] = { s->session, s->broker, s->listener };
	size_t i;

	for (i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(s->ca.p);
	arena_release(fuzz_arena, s->cert.p);
	arena_release(fuzz_arena, s->key.p);
	arena_release(fuzz_arena, s->proxy);
	arena_release(fuzz_arena, s->no_proxy);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct relay_settings s;
	struct failure f = { 0 };
	size_t empty;
	int fd, after;

	if (fuzz_arena_make())
		MUST(relay_channel_open(&channel, fuzz_arena, NULL) == 0);
	empty = arena_used(fuzz_arena);
	fd = fcntl(beside[1], F_DUPFD_CLOEXEC, 3);
	close(fd);
	fuzz_inputs++;
	if (n > 0 && p[0] == 's') {
		rest.p = p + 1;
		rest.n = n - 1;
		if (settings_receive(&s, &channel, fuzz_arena, &f) == 0) {
			fuzz_understood++;
			check_settings(&s);
		} else {
			MUST(f.code != FAIL_NONE);
		}
		settings_release(&s);
	} else {
		rest.p = p;
		rest.n = n;
	}
	read_messages();
	MUST(arena_used(fuzz_arena) == empty);
	after = fcntl(beside[1], F_DUPFD_CLOEXEC, 3);
	MUST(after == fd);
	close(after);
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(libsodium_start(NULL) == 0 && curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
	beside[1] = memfd_create("ca", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	MUST(beside[1] >= 0 && write(beside[1], "-----BEGIN", 10) == 10);
	MUST(fcntl(beside[1], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
	/* With no name: the kernel gives it one. */
	beside[2] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(bind(beside[2], (struct sockaddr *)&(struct sockaddr_un){ .sun_family = AF_UNIX },
		  sizeof(sa_family_t)) == 0);
	MUST(listen(beside[2], 1) == 0);
	beside[3] = (int)syscall(SYS_pidfd_open, getpid(), 0);
	MUST(beside[3] >= 0);
	return atexit(fuzz_at_exit);
}
