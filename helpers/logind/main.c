/*
 * helpers/logind/main.c - ccrun-logind: asks the broker to lock vaults on suspend,
 * screen lock and log-out.  It holds no secret.  It watches for one uid and its broker,
 * or with --system for all users of the system broker.
 * Exit code 0 when the broker ends, 1 when the bus stays lost.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/number.h"
#include "base/proc.h"
#include "helpers/helper_cage.h"
#include "helpers/logind/lock_client.h"
#include "helpers/logind/login1.h"
#include "helpers/logind/program.h"
#include "helpers/logind/sessions.h"
#include "helpers/logind/scope.h"

/* How long to try a lost bus again, and how often.  A bus that restarts is back within a second. */
#define BUS_PATIENCE_MS 30000
#define BUS_RETRY_MS 2000

static struct lock_client the_client; /* 64 KiB: too much for a stack */

static const char usage_text[] =
	"usage: ccrun-logind [--system] [--ready-fd N]\n\n"
	"Locks the vault on suspend, screen lock and log-out, as logind tells of them,\n"
	"for as long as the broker runs.  ccctl and a systemd unit start it.\n\n"
	"  --system      watch for all users of the system broker, as the user ccrun-logind\n"
	"  --ready-fd N  write \"ready\" to descriptor N once it watches, then close it\n"
	"                (closed without it: another process watches, or it failed)\n";

struct options {
	bool system;
	int ready; /* where to write "ready", or -1 */
};

/* The number of a descriptor above 2 that is open and from now on close-on-exec, or -1. */
static int parse_descriptor(const char *text)
{
	unsigned long n;

	if (number_parse(text, 3, 1 << 20, &n) && fcntl((int)n, F_SETFD, FD_CLOEXEC) == 0)
		return (int)n;
	fputs(PROGRAM ": --ready-fd: not an open descriptor above 2\nhint: " PROGRAM " --help\n",
	      stderr);
	return -1;
}

/* The command line.  -1: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, struct options *o)
{
	int i;

	*o = (struct options){ .ready = -1 };
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts(PROGRAM " " CCRUN_VERSION) < 0 ? EXIT_FAILED : EXIT_DONE;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return fputs(usage_text, stdout) < 0 ? EXIT_FAILED : EXIT_DONE;
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--system") == 0) {
			o->system = true;
		} else if (strcmp(argv[i], "--ready-fd") == 0 && i + 1 < argc) {
			o->ready = parse_descriptor(argv[++i]);
			if (o->ready < 0)
				return EXIT_USAGE;
		} else {
			fputs(usage_text, stderr);
			return EXIT_USAGE;
		}
	}
	return -1;
}

/*
 * Undo what the starter may have done to the signals that should end this program
 * (blocked, ignored).  Ending by a signal releases the inhibitor too: its descriptor
 * is closed.
 */
static int prepare_process(struct failure *f)
{
	const struct helper_cage cage = { .broker = true };
	static const int ends[] = { SIGTERM, SIGINT };
	sigset_t set;
	unsigned i;

	if (proc_self_marked())
		return fail_set(f, FAIL_MARKED, "run it outside the session, in another terminal",
				"a process inside a session may not watch over the vault");
	if (proc_harden_self() != 0)
		return fail_errno(f, NULL, "cannot harden this process");
	sigemptyset(&set);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		signal(ends[i], SIG_DFL);
		sigaddset(&set, ends[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	/* A long-lived process should not keep a file system busy. */
	if (chdir("/") != 0)
		return fail_errno(f, NULL, "cd /");
	return helper_cage_enter(&cage, f);
}

static void report_ready(int fd)
{
	static const char text[] = "ready\n";

	if (fd < 0)
		return;
	/* A failure means that nobody waits any more. */
	io_write_all(fd, text, sizeof(text) - 1, clock_now_ms() + 1000);
	close(fd);
}

/*
 * The bus is lost: try to connect again for BUS_PATIENCE_MS, reading from the broker
 * meanwhile.  0: it is back, or the broker has ended; else -1.
 */
static int reattach_to_bus(struct login1 *l, struct lock_client *c, struct failure *f)
{
	int64_t deadline = clock_now_ms() + BUS_PATIENCE_MS, retry_at;
	struct failure again;

	login1_detach(l);
	while (clock_now_ms() < deadline) {
		retry_at = clock_now_ms() + BUS_RETRY_MS;
		while (!c->ended && io_wait(c->dial.fd, POLLIN, retry_at) > 0)
			if (lock_client_read(c, f) != 0)
				return -1;
		if (c->ended || login1_attach(l, &again) == 0)
			return 0;
	}
	return -1;
}

/* 0: the broker has ended.  -1 with f set: the bus is lost, or the broker's answer is bad. */
static int serve_until_broker_ends(struct login1 *l, struct lock_client *c, struct failure *f)
{
	struct pollfd p[LOGIN1_POLLED + 1] = { 0 };
	int r, timeout;

	p[LOGIN1_POLLED].fd = c->dial.fd;
	p[LOGIN1_POLLED].events = POLLIN;
	while (!c->ended) {
		/* One message per round: a flood must not starve the broker's answers. */
		r = login1_process(l, f);
		if (r < 0) {
			if (reattach_to_bus(l, c, f) != 0)
				return -1;
			continue;
		}
		login1_tick(l);
		login1_poll(l, p, &timeout);
		if (poll(p, LOGIN1_POLLED + 1, r > 0 ? 0 : timeout) < 0)
			p[LOGIN1_POLLED].revents = 0;
		if (p[LOGIN1_POLLED].revents && lock_client_read(c, f) != 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct login1 l = { .broker = &the_client, .uid = geteuid(), .inhibitor = -1 };
	struct failure f = { .code = FAIL_NONE };
	struct options o;
	int r;

	if (io_open_standard_streams() != 0)
		return EXIT_FAILED;
	r = parse_arguments(argc, argv, &o);
	if (r >= 0)
		return r;
	l.all = o.system;
	the_client.dial.fd = -1;
	r = prepare_process(&f);
	if (r == 0)
		r = lock_client_open(&the_client, o.system, &f);
	if (r == 0)
		r = login1_attach(&l, &f);
	if (r == 0) {
		report_ready(o.ready);
		if (!o.system)
			scope_leave_session(the_client.dial.system ? 0 : the_client.dial.broker);
		r = serve_until_broker_ends(&l, &the_client, &f);
	}
	login1_detach(&l);
	sessions_forget(&l);
	dial_close(&the_client.dial);
	/* FAIL_EXISTS: another process watches already, which is what the starter wanted. */
	if (r == 0 || f.code == FAIL_EXISTS)
		return EXIT_DONE;
	fail_print(PROGRAM, &f);
	return EXIT_FAILED;
}
