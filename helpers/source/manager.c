/*
 * helpers/source/manager.c - running another manager's program: in the
 * terminal's foreground where there is one, so that it can ask; never longer
 * than its time; and nothing of it left over when it was ended.
 *
 * Its standard output is a socket, not a pipe: what other processes of the same
 * user cannot open through /proc/PID/fd.
 */
#include "config/provider/variables.h"
#include "helpers/source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/spawn.h"

#define TTY STDIN_FILENO  /* with a terminal */
#define GRACE_MS 2000	  /* from SIGTERM to SIGKILL */
#define STOP_MS 100	  /* a stopped manager is not asked to go on more often */

static int events = -1; /* signalfd */

struct run {
	struct manager_result *o;
	pid_t pid;
	int out, err; /* our ends; -1 when at their end */
	bool ended, terminal, foreground;
	struct termios modes;
	int64_t deadline;
};

int manager_signals(struct failure *f)
{
	static const int ours[] = { SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	sigset_t set, blocked;
	unsigned i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigaddset(&set, ours[i]);
	blocked = set;
	/* Who takes the terminal back is in its background. */
	sigaddset(&blocked, SIGTTOU);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	events = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return events < 0 ? fail_errno(f, NULL, "signalfd") : 0;
}

/* What is queued: true when one of them ends us. */
static bool ended_by_signal(void)
{
	struct signalfd_siginfo s;
	bool yes = false;

	while (read(events, &s, sizeof(s)) == sizeof(s))
		yes = yes || s.ssi_signo != SIGCHLD;
	return yes;
}

bool manager_stopped(int ms)
{
	struct pollfd p = { events, POLLIN, 0 };

	return poll(&p, 1, ms) > 0 && ended_by_signal();
}

/* ---- its environment ---- */

/* Variables that change what programs load, or that are secrets of the client's. */
static bool is_dropped(const char *entry)
{
	char name[128];
	size_t n = strcspn(entry, "=");

	if (strncmp(entry, "LD_", 3) == 0 || n >= sizeof(name))
		return strncmp(entry, "LD_", 3) == 0;
	memcpy(name, entry, n);
	name[n] = '\0';
	return strcmp(name, "GLIBC_TUNABLES") == 0 || variable_routes_client(name) || variable_steers_runtime(name);
}

/* gpg's agent asks on this terminal. */
static void set_gpg_tty(bool terminal)
{
	char *tty = terminal ? ttyname(STDERR_FILENO) : NULL;

	if (tty)
		setenv("GPG_TTY", tty, 0);
	if (!terminal)
		unsetenv("GPG_TTY");
}

/* ---- the parent ---- */

/* Give the terminal to the manager, or take it back as it was. */
static void lend_terminal(const struct run *r)
{
	if (r->foreground)
		tcsetpgrp(TTY, r->pid);
}

static void take_terminal_back(const struct run *r)
{
	if (r->foreground)
		tcsetpgrp(TTY, getpgrp());
}

/* The person pressed Ctrl-Z, or it wants the terminal: stop with it, as a job does. */
static void stop_too(struct run *r)
{
	int64_t start = io_now_ms();

	take_terminal_back(r);
	kill(0, SIGTSTP);
	poll(NULL, 0, STOP_MS);
	lend_terminal(r);
	kill(-r->pid, SIGCONT);
	r->deadline += io_now_ms() - start;
}

static void look_at_child(struct run *r)
{
	int status;
	pid_t p = waitpid(r->pid, &status, WNOHANG | WUNTRACED);

	if (p != r->pid)
		return;
	if (WIFSTOPPED(status)) {
		stop_too(r);
		return;
	}
	r->o->status = status;
	r->ended = true;
}

/* Keep the end of what it said. */
static void remember(struct manager_result *o, const char *p, size_t n)
{
	size_t have = strlen(o->said), drop;

	if (have + n > SAID_MAX) {
		drop = have + n - SAID_MAX;
		memmove(o->said, o->said + drop, have - drop);
		have -= drop;
	}
	memcpy(o->said + have, p, n);
	o->said[have + n] = '\0';
}

/* Its standard error: on to ours, unchanged.  A NUL ends no text. */
static void hear(struct run *r)
{
	char part[1024];
	ssize_t n = read(r->err, part, sizeof(part)), i;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close(r->err);
		r->err = -1;
		return;
	}
	io_write_all(STDERR_FILENO, part, (size_t)n, io_now_ms() + GRACE_MS);
	for (i = 0; i < n; i++)
		if (part[i] == '\0')
			part[i] = ' ';
	remember(r->o, part, (size_t)n);
}

static void take_output(struct run *r)
{
	struct manager_result *o = r->o;
	ssize_t n = read(r->out, o->out + o->n, o->room + 1 - o->n);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close(r->out);
		r->out = -1;
		return;
	}
	o->n += (size_t)n;
	if (o->n > o->room)
		o->large = true;
}

/* One turn: whatever comes first. */
static void turn(struct run *r)
{
	struct pollfd p[3] = { { events, POLLIN, 0 }, { r->out, POLLIN, 0 }, { r->err, POLLIN, 0 } };
	int64_t left = r->deadline - io_now_ms();

	if (left <= 0) {
		r->o->late = true;
		return;
	}
	if (poll(p, 3, left > 60000 ? 60000 : (int)left) < 0)
		return;
	/* What it printed first: it may have ended after it. */
	if (p[1].revents)
		take_output(r);
	if (p[2].revents)
		hear(r);
	if (p[0].revents && ended_by_signal())
		r->o->stopped = true;
	look_at_child(r);
}

/* It has ended: what it left in its pipes, without waiting for who holds them open. */
static void drain(struct run *r)
{
	struct pollfd p[2];

	while ((r->out >= 0 && !r->o->large) || r->err >= 0) {
		p[0] = (struct pollfd){ r->o->large ? -1 : r->out, POLLIN, 0 };
		p[1] = (struct pollfd){ r->err, POLLIN, 0 };
		if (poll(p, 2, 0) <= 0)
			break;
		if (p[0].revents)
			take_output(r);
		if (p[1].revents)
			hear(r);
	}
}

/* End it, and whatever it started that is in its group. */
static void end_group(struct run *r)
{
	int64_t deadline = io_now_ms() + GRACE_MS;

	kill(-r->pid, r->o->stopped ? SIGINT : SIGTERM);
	kill(-r->pid, SIGCONT);
	while (!r->ended && io_now_ms() < deadline) {
		poll(NULL, 0, 5);
		look_at_child(r);
	}
	kill(-r->pid, SIGKILL);
	while (!r->ended && waitpid(r->pid, &r->o->status, 0) < 0 && errno == EINTR)
		;
	r->ended = true;
}

static void follow(struct run *r)
{
	while (!r->ended && !r->o->stopped && !r->o->late && !r->o->large)
		turn(r);
	if (!r->ended)
		end_group(r);
	drain(r);
}

/* Start it and see that exec worked.  0 or -1; ends: the program's, or -1. */
static int manager_start(const struct command_words *w, struct run *r, const int ends[3], struct failure *f)
{
	static const int defaults[] = { SIGPIPE, 0 };
	/* A group of its own, so that all of it can be ended. */
	struct spawn s = {
		.path = w->v[0],
		.argv = (const char *const *)w->v,
		.drop = is_dropped,
		.group = r->terminal,
		.session = !r->terminal,
		.foreground = r->foreground,
		.death_signal = SIGTERM,
		.defaults = defaults,
		.unblocked = true,
		.deadline = r->deadline,
	};
	int i;

	for (i = 0; i < 3; i++)
		if (ends[i] >= 0)
			s.fd[s.fds++] = (struct spawn_fd){ i, ends[i] };
	set_gpg_tty(r->terminal);
	r->pid = spawn_start(&s);
	if (r->pid > 0)
		return 0;
	r->ended = true;
	r->o->gone = errno == ENOENT || errno == EACCES || errno == ENOTDIR;
	return r->o->gone ? 0 : fail_errno(f, NULL, "run the manager");
}

static void close_pair(int pair[2])
{
	if (pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
}

int manager_run(const struct command_words *w, bool terminal, bool listen, unsigned seconds, struct manager_result *o,
		struct failure *f)
{
	struct run r = { .o = o, .terminal = terminal, .deadline = io_now_ms() + (int64_t)seconds * 1000 };
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, ends[3] = { -1, -1, -1 }, ret = -1;
	bool modes = terminal && tcgetattr(TTY, &r.modes) == 0;

	r.foreground = terminal && tcgetpgrp(TTY) == getpgrp();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) != 0 ||
	    (listen && pipe2(err, O_CLOEXEC) != 0) ||
	    (!terminal && (ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)) {
		fail_errno(f, NULL, "start the manager");
		goto out;
	}
	ends[1] = out[1];
	ends[2] = err[1];
	r.out = out[0];
	r.err = err[0];
	ret = manager_start(w, &r, ends, f);
	close(out[1]);
	if (err[1] >= 0)
		close(err[1]);
	out[1] = err[1] = -1;
	if (ret == 0 && !o->gone)
		follow(&r);
	take_terminal_back(&r);
	/* Who was ended at a prompt has left it without an echo. */
	if (modes && r.foreground)
		tcsetattr(TTY, TCSADRAIN, &r.modes);
	out[0] = r.out;
	err[0] = r.err;
out:
	close_pair(out);
	close_pair(err);
	if (ends[0] >= 0)
		close(ends[0]);
	return ret;
}
