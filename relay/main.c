/*
 * relay/main.c - ccrun-relay: between claude and a provider, for one session.
 *
 * The broker starts it, or has systemd start it, and is at the other end of descriptor 3
 * from the beginning.  claude sends its requests here with a placeholder; they go on to
 * the one provider that is sealed, with the key, and no other process gets to see that.
 */
#include <curl/curl.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/number.h"
#include "base/proc.h"
#include "relay/pair.h"
#include "relay/sandbox.h"
#include "relay/session.h"
#include "relay/settings.h"
#include "relay/upstream.h"
#include "vault/arena.h"
#include "vault/locked_heap.h"

#define PROGRAM "ccrun-relay"
#define HEAP_SIZE (1024 * 1024)	 /* libcurl's */
#define ARENA_SIZE (1280 * 1024) /* the key's 70 KiB, and some 35 to 54 KiB a request */
#define HEAP_BEFORE (96 * 1024)	 /* what libcurl needs without a connection: 42 KiB */
#define HEAP_EACH (20 * 1024)	 /* and with each of them: 16 KiB */
#define HEAP_ERRAND HEAP_EACH	 /* and with the one of an errand */
#define SEND_SECONDS 10
#define DNS_PORT 53

static const char usage_text[] =
	"usage: " PROGRAM "\n\n"
	"Carries the requests of one session to its provider, with the key that the session\n"
	"itself does not get.  The broker starts it, and is at the other end of descriptor 3.\n";

/* 0: it is the broker's channel. */
static int check_channel(struct failure *f)
{
	const struct timeval patience = { .tv_sec = SEND_SECONDS };
	int type = 0, domain = 0;
	socklen_t n = sizeof(int);

	if (getsockopt(RELAY_CHANNEL_FD, SOL_SOCKET, SO_TYPE, &type, &n) != 0 ||
	    type != SOCK_SEQPACKET ||
	    getsockopt(RELAY_CHANNEL_FD, SOL_SOCKET, SO_DOMAIN, &domain, &n) != 0 ||
	    domain != AF_UNIX || fcntl(RELAY_CHANNEL_FD, F_SETFD, FD_CLOEXEC) != 0)
		return fail_set(f, FAIL_USAGE, "the broker runs this program",
				"descriptor %d is no SOCK_SEQPACKET socket", RELAY_CHANNEL_FD);
	/* A broker that is stopped must not stop the session's end. */
	setsockopt(RELAY_CHANNEL_FD, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return 0;
}

/* Has systemd passed the channel?  Then it waits for the process that it started. */
static bool started_by_systemd(void)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	unsigned long number;

	return fds && pid && strcmp(fds, "1") == 0 && number_parse(pid, 1, INT32_MAX, &number) &&
	       (pid_t)number == getpid();
}

/*
 * Nothing of who started it stays: no variable (SSLKEYLOGFILE writes TLS's keys to a
 * file, OPENSSL_CONF loads modules), no descriptor, no directory, no handler.  The fork:
 * proc_fork_hardened.
 */
static int prepare_process(struct failure *f)
{
	static const int normal[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD };
	bool stay = started_by_systemd();
	sigset_t set;
	unsigned i;

	/* The broker's keeper runs a copy that has no path. */
	prctl(PR_SET_NAME, PROGRAM);
	clearenv();
	umask(077);
	syscall(SYS_close_range, RELAY_CHANNEL_FD + 1u, ~0u, 0u);
	sigemptyset(&set);
	for (i = 0; i < sizeof(normal) / sizeof(normal[0]); i++)
		signal(normal[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Its last words may go to a file, which it cannot make larger. */
	signal(SIGXFSZ, SIG_IGN);
	if (chdir("/") != 0)
		return fail_errno(f, NULL, "cd /");
	if (proc_self_marked())
		return fail_set(f, FAIL_MARKED, "the broker starts it",
				"a process inside a session relays nothing");
	if (proc_fork_hardened(stay) != 0)
		return fail_errno(f, "detach the debugger", "cannot harden this process");
	return 0;
}

static int prepare_memory(struct relay *r, struct failure *f)
{
	struct arena *heap = arena_new(HEAP_SIZE, f);

	r->arena = heap ? arena_new(ARENA_SIZE, f) : NULL;
	if (!r->arena)
		return -1;
	/* libcurl 7.88 crashes where it finds no memory. */
	r->most_pairs = (arena_size(heap) - HEAP_BEFORE - HEAP_ERRAND) / HEAP_EACH;
	heap_use(heap);
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, heap_malloc, heap_free, heap_realloc,
				 heap_strdup, heap_calloc) != CURLE_OK)
		return fail_set(f, FAIL_PROGRAM, NULL, "libcurl cannot be used");
	return relay_channel_open(&r->channel, r->arena, f);
}

static int relay_prepare(struct relay *r, struct relay_settings *s, struct failure *f)
{
	uint16_t ports[3] = { DNS_PORT };
	size_t count = 1;

	if (settings_receive(s, &r->channel, r->arena, f) != 0)
		return -1;
	r->settings = s;
	r->sender = (struct sender){ s->pid, s->uid, s->session };
	r->routes = request_routes_of(s->api, &r->route_count);
	key_init(&r->key, r->arena, s->secrets, s->provider.fields.secret_count);
	ports[count++] = s->port;
	if (s->proxy_port)
		ports[count++] = s->proxy_port;
	r->upstreams = upstreams_new(s, f);
	return r->upstreams ? relay_sandbox_enter(ports, count, f) : -1;
}

int main(int argc, char **argv)
{
	static struct relay relay;
	static struct relay_settings settings;
	struct failure f = { .code = FAIL_NONE };
	int r;

	if (io_open_standard_streams() != 0)
		return EXIT_FAILED;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts(PROGRAM " " CCRUN_VERSION) < 0 ? EXIT_FAILED : EXIT_DONE;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return fputs(usage_text, stdout) < 0 ? EXIT_FAILED : EXIT_DONE;
	if (argc != 1) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	r = check_channel(&f);
	if (r == 0)
		r = prepare_process(&f);
	if (r == 0)
		r = prepare_memory(&relay, &f);
	if (r == 0)
		r = relay_prepare(&relay, &settings, &f);
	if (r == 0)
		r = session_run(&relay, &f);
	if (r == 0)
		return EXIT_DONE;
	fail_print(PROGRAM, &f);
	return f.code == FAIL_USAGE ? EXIT_USAGE : EXIT_FAILED;
}
