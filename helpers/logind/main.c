/*
 * helpers/logind/main.c - ccrun-logind: has the broker lock the vault on
 * suspend, screen lock and log-out.  It holds no secret, serves one uid's
 * broker, and ends with it (0), or when the bus is lost for good (1).
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "helpers/logind/login1.h"
#include "helpers/logind/lock_client.h"

/* A bus that is started anew is back within a second; a machine going down ends us. */
#define BUS_PATIENCE_MS 30000
#define BUS_ROUND_MS 2000

static struct lock_client the_watch; /* 64 KiB: too much for a stack */

static const char usage[] =
	"usage: ccrun-logind [--ready-fd N]\n\n"
	"Locks the vault on suspend, screen lock and log-out, as logind tells of them,\n"
	"for as long as the broker runs.  ccctl and a systemd unit start it.\n\n"
	"  --ready-fd N  write \"ready\" to descriptor N once it watches, then close it\n"
	"                (closed without it: another process watches, or it failed)\n";

/* The command line.  -1: go on, with *ready set; else the exit code. */
static int arguments(int argc, char **argv, int *ready)
{
	char *end;
	long n;

	*ready = -1;
	if (argc == 1)
		return -1;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts(PROGRAM " " CCRUN_VERSION) < 0 ? EXIT_FAILED : EXIT_DONE;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return fputs(usage, stdout) < 0 ? EXIT_FAILED : EXIT_DONE;
	if (argc != 3 || strcmp(argv[1], "--ready-fd") != 0) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	n = strtol(argv[2], &end, 10);
	if (end == argv[2] || *end || n < 3 || n > 1 << 20 || fcntl((int)n, F_SETFD, FD_CLOEXEC) != 0) {
		fputs(PROGRAM ": --ready-fd: not an open descriptor above 2\nhint: " PROGRAM " --help\n", stderr);
		return EXIT_USAGE;
	}
	*ready = (int)n;
	return -1;
}

/*
 * Whoever starts us may have blocked or ignored the signals that end us; a
 * death by one lets go of the inhibitor as well as anything.
 */
static int prepare(struct failure *f)
{
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
	/* It runs for long: keep no file system from being unmounted. */
	if (chdir("/") != 0)
		return fail_errno(f, NULL, "cd /");
	return 0;
}

static void say_ready(int fd)
{
	static const char text[] = "ready\n";

	if (fd < 0)
		return;
	/* Nobody there to read it: then nobody waits. */
	io_write_all(fd, text, sizeof(text) - 1, io_now_ms() + 1000);
	close(fd);
}

/* The bus is gone: try again for a while.  0: it is back (or the broker has ended). */
static int reattach(struct login1 *l, struct lock_client *w, struct failure *f)
{
	int64_t deadline = io_now_ms() + BUS_PATIENCE_MS, round;
	struct failure again;

	login1_detach(l);
	while (io_now_ms() < deadline) {
		round = io_now_ms() + BUS_ROUND_MS;
		while (!w->ended && io_wait(w->dial.fd, POLLIN, round) > 0)
			if (lock_client_read(w, f) != 0)
				return -1;
		if (w->ended || login1_attach(l, &again) == 0)
			return 0;
	}
	return -1;
}

/* Until the broker ends (0), or the bus, or what answers is no broker (-1). */
static int serve(struct login1 *l, struct lock_client *w, struct failure *f)
{
	struct pollfd p[2] = { { .fd = -1 }, { .fd = w->dial.fd, .events = POLLIN } };
	int r, timeout;

	while (!w->ended) {
		/* One message a round, so that a flood of them hides nothing. */
		r = login1_process(l, f);
		if (r < 0) {
			if (reattach(l, w, f) != 0)
				return -1;
			continue;
		}
		login1_tick(l);
		login1_poll(l, &p[0], &timeout);
		if (poll(p, 2, r > 0 ? 0 : timeout) < 0)
			p[1].revents = 0;
		if (p[1].revents && lock_client_read(w, f) != 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct login1 l = { .watch = &the_watch, .uid = geteuid(), .inhibitor = -1 };
	struct failure f = { .code = FAIL_NONE };
	int r, ready;

	if (io_hold_standard_streams() != 0)
		return EXIT_FAILED;
	r = arguments(argc, argv, &ready);
	if (r >= 0)
		return r;
	the_watch.dial.fd = -1;
	r = prepare(&f);
	if (r == 0)
		r = lock_client_open(&the_watch, &f);
	if (r == 0)
		r = login1_attach(&l, &f);
	if (r == 0) {
		say_ready(ready);
		r = serve(&l, &the_watch, &f);
	}
	login1_detach(&l);
	dial_close(&the_watch.dial);
	/* Another one watches: that is what was wanted. */
	if (r == 0 || f.code == FAIL_EXISTS)
		return EXIT_DONE;
	fail_print(PROGRAM, &f);
	return EXIT_FAILED;
}
