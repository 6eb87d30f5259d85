/*
 * helpers/source/password_manager.c - run a secret manager's program: in the terminal's
 * foreground if there is a terminal, so that it can ask; with a time limit; and
 * killed with its whole process group.
 *
 * Its standard output is a socket and not a pipe, because other processes of the
 * user could open a pipe through /proc/PID/fd and read the secret.
 */
#include "helpers/source/password_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
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
#include "base/tty_keys.h"
#include "helpers/source/agent.h"
#include "helpers/source/manager_environment.h"
#include "start/console.h"
#include "start/terminal_drop.h"

#define TERMINAL_FD STDIN_FILENO /* if there is one */
#define GRACE_MS 2000		 /* from SIGTERM to SIGKILL */
#define TELL_MS 3000		 /* without an end, until a person is told */
#define LOOK_MS 500		 /* between looks at the terminal, until then */
#define STOP_MS 100		 /* between SIGCONTs to a manager that stops itself */

static int signal_fd = -1; /* from signalfd */

/* A manager that runs. */
struct manager_process {
	struct manager_result *o;
	pid_t pid;
	int out, err; /* our ends of its standard output and error; -1 after end of file */
	bool ended, terminal, foreground, told;
	bool overheard; /* console_check or agent_check failed */
	bool asked;	/* on the terminal, at that time */
	struct console console;
	struct agent agent;
	bool has_modes;
	struct termios modes; /* of the terminal, before it ran */
	int64_t deadline, tell_at;
};

int manager_block_signals(struct failure *f)
{
	static const int ours[] = { SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	sigset_t set, blocked;
	unsigned i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigaddset(&set, ours[i]);
	blocked = set;
	/* terminal_take_back() calls tcsetpgrp from a background group, which sends SIGTTOU. */
	sigaddset(&blocked, SIGTTOU);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signal_fd < 0 ? fail_errno(f, NULL, "signalfd") : 0;
}

/* Read all queued signals.  True if one of them should end this process. */
static bool signals_read(void)
{
	struct signalfd_siginfo s;
	bool yes = false;

	while (read(signal_fd, &s, sizeof(s)) == sizeof(s))
		yes = yes || s.ssi_signo != SIGCHLD;
	return yes;
}

bool manager_interrupted(int ms)
{
	struct pollfd p = { signal_fd, POLLIN, 0 };

	return poll(&p, 1, ms) > 0 && signals_read();
}

static bool is_interrupted(void *arg)
{
	(void)arg;
	return signals_read();
}

/* ---- the manager's process ---- */

/* Make the manager the terminal's foreground process group. */
static void terminal_give(const struct manager_process *r)
{
	if (r->foreground)
		tcsetpgrp(TERMINAL_FD, r->pid);
}

static void terminal_take_back(const struct manager_process *r)
{
	if (r->foreground)
		tcsetpgrp(TERMINAL_FD, getpgrp());
}

/* It may ask for a password. */
static void terminal_mend_keys(const struct manager_process *r)
{
	struct termios usual = r->modes;

	tty_keys_mend(&usual);
	if (r->has_modes && r->foreground)
		tcsetattr(TERMINAL_FD, TCSADRAIN, &usual);
}

/*
 * The manager was stopped (Ctrl-Z, or it read the terminal from the background): stop
 * this process's group too, as a shell expects of a job.  Continued, continue it.
 */
static void run_suspend(struct manager_process *r)
{
	int64_t start = clock_now_ms();

	terminal_take_back(r);
	kill(0, SIGTSTP);
	poll(NULL, 0, STOP_MS);
	terminal_give(r);
	kill(-r->pid, SIGCONT);
	r->deadline += clock_now_ms() - start;
}

static void run_reap(struct manager_process *r)
{
	int status;
	pid_t p = waitpid(r->pid, &status, WNOHANG | WUNTRACED);

	if (p != r->pid)
		return;
	if (WIFSTOPPED(status)) {
		run_suspend(r);
		return;
	}
	r->o->status = status;
	r->ended = true;
}

/* Append to o->err; drop the oldest bytes if it is full. */
static void result_append_stderr(struct manager_result *o, const char *p, size_t n)
{
	size_t have = strlen(o->err), drop;

	if (have + n > MANAGER_STDERR_MAX) {
		drop = have + n - MANAGER_STDERR_MAX;
		memmove(o->err, o->err + drop, have - drop);
		have -= drop;
	}
	memcpy(o->err + have, p, n);
	o->err[have + n] = '\0';
}

/* Pass its standard error on to ours and keep the end of it, as one text: NULs become spaces. */
static void run_read_stderr(struct manager_process *r)
{
	char chunk[1024];
	ssize_t n = read(r->err, chunk, sizeof(chunk)), i;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close(r->err);
		r->err = -1;
		return;
	}
	io_write_all(STDERR_FILENO, chunk, (size_t)n, clock_now_ms() + GRACE_MS);
	for (i = 0; i < n; i++)
		if (chunk[i] == '\0')
			chunk[i] = ' ';
	result_append_stderr(r->o, chunk, (size_t)n);
}

static void run_read_stdout(struct manager_process *r)
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
		o->too_large = true;
}

/* Does the manager, or its pinentry, ask on this terminal?  It has switched the echo off, or
 * reads single keys; a line of ours would be in its way. */
static bool asks_here(const struct manager_process *r)
{
	struct termios now;

	return r->has_modes && tcgetattr(TERMINAL_FD, &now) == 0 &&
	       (now.c_lflag & (ECHO | ICANON)) != (r->modes.c_lflag & (ECHO | ICANON));
}

/* Nobody should have to guess for what a launch that stands still is waiting. */
static void run_tell(struct manager_process *r)
{
	char line[768];
	int n;

	if (r->told || clock_now_ms() < r->tell_at || asks_here(r))
		return;
	r->told = true;
	n = snprintf(line, sizeof(line), "ccrun: waiting for %s: %s%s\n", r->o->title, r->o->waits,
		     r->terminal ? " (Ctrl-C gives up)" : "");
	if (n > 0 && n < (int)sizeof(line))
		io_write_all(STDERR_FILENO, line, (size_t)n, clock_now_ms() + GRACE_MS);
}

/* Wait for one event (output, signal, end, deadline) and handle it. */
static void run_poll(struct manager_process *r, struct failure *f)
{
	struct pollfd p[4] = { { signal_fd, POLLIN, 0 },
			       { r->out, POLLIN, 0 },
			       { r->err, POLLIN, 0 },
			       { r->agent.watch, POLLIN, 0 } };
	int64_t left = r->deadline - clock_now_ms();
	int most = r->told ? 60000 : LOOK_MS;

	if (r->console.vt)
		most = CONSOLE_LOOK_MS;
	if (left <= 0) {
		r->o->timed_out = true;
		return;
	}
	if (console_check(&r->console, f) != 0 || agent_check(&r->agent, &most, f) != 0) {
		r->overheard = true;
		r->asked = asks_here(r);
		return;
	}
	run_tell(r);
	left = left < most ? left : most;
	if (poll(p, 4, (int)left) < 0)
		return;
	/* Output before the end of the process: it may have printed, then ended. */
	if (p[1].revents)
		run_read_stdout(r);
	if (p[2].revents)
		run_read_stderr(r);
	if (p[0].revents && signals_read())
		r->o->interrupted = true;
	run_reap(r);
}

/*
 * After its end: read what is left, without waiting for end of file, because a
 * background process of it may hold the descriptors open.
 */
static void run_drain(struct manager_process *r)
{
	struct pollfd p[2];

	while ((r->out >= 0 && !r->o->too_large) || r->err >= 0) {
		p[0] = (struct pollfd){ r->o->too_large ? -1 : r->out, POLLIN, 0 };
		p[1] = (struct pollfd){ r->err, POLLIN, 0 };
		if (poll(p, 2, 0) <= 0)
			break;
		if (p[0].revents)
			run_read_stdout(r);
		if (p[1].revents)
			run_read_stderr(r);
	}
}

/* Kill the manager and its process group: SIGTERM (or SIGINT), then SIGKILL. */
static void run_kill_group(struct manager_process *r)
{
	int64_t deadline = clock_now_ms() + GRACE_MS;

	kill(-r->pid, r->o->interrupted ? SIGINT : SIGTERM);
	kill(-r->pid, SIGCONT);
	while (!r->ended && clock_now_ms() < deadline) {
		poll(NULL, 0, 5);
		run_reap(r);
	}
	kill(-r->pid, SIGKILL);
	while (!r->ended && waitpid(r->pid, &r->o->status, 0) < 0 && errno == EINTR)
		;
	r->ended = true;
}

/* 0, or -1 with f set: what was typed for it may be another's, too. */
static int run_wait(struct manager_process *r, struct failure *f)
{
	while (!r->ended && !r->o->interrupted && !r->o->timed_out && !r->o->too_large &&
	       !r->overheard)
		run_poll(r, f);
	if (!r->ended)
		run_kill_group(r);
	run_drain(r);
	/* Both once more: somebody can have come since the last look. */
	if (r->overheard || console_check(&r->console, f) != 0)
		return -1;
	return agent_settle(&r->agent, f);
}

/*
 * Start it and wait for exec.  ends: its standard descriptors, -1 to inherit.  0 (or
 * not_found), or -1 with f set.
 */
static int run_start(const struct command_words *w, struct manager_process *r, const int ends[3],
		     struct failure *f)
{
	static const int defaults[] = { SIGPIPE, 0 };
	/* A process group of its own, so that run_kill_group reaches all of it. */
	struct spawn s = {
		.path = w->v[0],
		.argv = (const char *const *)w->v,
		.drop = manager_drops_variable,
		.group = r->terminal,
		.session = !r->terminal,
		.foreground = r->foreground,
		.death_signal = SIGTERM,
		.defaults = defaults,
		.unblocked = true,
		.dir = "/",
		.deadline = r->deadline,
	};
	int i;

	for (i = 0; i < 3; i++)
		if (ends[i] >= 0)
			s.fd[s.fds++] = (struct spawn_fd){ i, ends[i] };
	manager_environment_set_terminal(r->terminal);
	r->pid = spawn_start(&s);
	if (r->pid > 0)
		return 0;
	r->ended = true;
	r->o->not_found = errno == ENOENT || errno == EACCES || errno == ENOTDIR;
	return r->o->not_found ? 0 : fail_errno(f, NULL, "run the manager");
}

static void close_pair(int pair[2])
{
	if (pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
}

int manager_run(const struct command_words *w, bool terminal, bool capture_err, unsigned seconds,
		int (*started)(struct failure *f), struct manager_result *o, struct failure *f)
{
	struct manager_process r = { .o = o,
				     .terminal = terminal,
				     .deadline = clock_now_ms() + (int64_t)seconds * 1000 };
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, ends[3] = { -1, -1, -1 }, ret = -1;
	bool done;

	if (terminal && console_begin(&r.console, TERMINAL_FD, f) != 0)
		return -1;
	if (manager_environment_leave_directory() != 0)
		return fail_errno(f, NULL, "PATH of the manager");
	if (agent_begin(&r.agent, w, f) != 0)
		goto out;
	r.tell_at = clock_now_ms() + TELL_MS;
	r.has_modes = terminal && tcgetattr(TERMINAL_FD, &r.modes) == 0;
	r.foreground = terminal && tcgetpgrp(TERMINAL_FD) == getpgrp();
	terminal_mend_keys(&r);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) != 0 ||
	    (capture_err && pipe2(err, O_CLOEXEC) != 0) ||
	    (!terminal && (ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)) {
		fail_errno(f, NULL, "start the manager");
		goto out;
	}
	ends[1] = out[1];
	ends[2] = err[1];
	r.out = out[0];
	r.err = err[0];
	ret = run_start(w, &r, ends, f);
	close(out[1]);
	if (err[1] >= 0)
		close(err[1]);
	out[1] = err[1] = -1;
	if (ret == 0 && !o->not_found && started)
		ret = started(f);
	if (ret != 0 && !r.ended)
		run_kill_group(&r);
	if (ret == 0 && !o->not_found)
		ret = run_wait(&r, f);
	terminal_take_back(&r);
	/* A manager that was killed at a password prompt leaves the echo off, and what was typed
	 * so far to the shell; and who was told here that something waits may have typed for it, what
	 * the session would read. */
	done = !r.told && r.ended && WIFEXITED(o->status) && WEXITSTATUS(o->status) == 0;
	if (r.asked && r.foreground)
		terminal_drop_typing(TERMINAL_FD, "ccrun", is_interrupted, NULL);
	if (r.has_modes && r.foreground)
		tcsetattr(TERMINAL_FD, done ? TCSADRAIN : TCSAFLUSH, &r.modes);
	out[0] = r.out;
	err[0] = r.err;
out:
	agent_end(&r.agent);
	close_pair(out);
	close_pair(err);
	if (ends[0] >= 0)
		close(ends[0]);
	return ret;
}
