/*
 * client/common/terminal_input.c - a thread that waits for a terminal's line.
 */
#include "client/common/terminal_input.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/locked.h"
#include "client/common/terminal_watch.h"
#include "wire/limits.h"

#define STACK_SIZE (64UL * 1024)
#define FIRST_MS 5000 /* by then the thread waits, on a busy machine too */
#define AGAIN_MS 1000 /* and again, when somebody has woken it */
#define POKE_MS 20
#define POKES 5	    /* in a row; input_holds_terminal */
#define WAKE_MS 200 /* for one, on a busy machine */
#define END_SIGNAL SIGALRM

struct terminal_input {
	int fd;
	struct termios modes;
	pthread_t thread;
	struct sigaction old;
	int came;   /* an eventfd, for the taker */
	long slept; /* how often, when it was looked at */
	atomic_int id;
	atomic_bool end, ended;
	/* The thread's until it has ended. */
	int error;
	ssize_t n;
	size_t taken;
	uint8_t p[TOKEN_MAX + 256]; /* with what is taken back */
};

/* ---- the thread ---- */

static void input_note_signal(int sig)
{
	(void)sig;
}

/* One read(2), behind what is there.  True: there may be more. */
static bool input_read(struct terminal_input *in)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };
	ssize_t n;

	do {
		/* As one who keeps nobody out. */
		if (!terminal_is_watched() && poll(&p, 1, -1) > 0)
			poll(NULL, 0, POKE_MS);
		n = read(in->fd, &in->p[in->n], sizeof(in->p) - (size_t)in->n);
		in->error = n < 0 ? errno : 0;
		/* A descriptor that we were given may not wait. */
		if (in->error == EAGAIN)
			poll(NULL, 0, 1);
		if (in->error == EINTR && terminal_is_watched())
			break;
	} while (!in->end && (in->error == EINTR || in->error == EAGAIN));
	/* By a signal that is not ours: who sends it waits behind us, and has been let in. */
	if (in->error == EINTR && !in->end)
		in->error = ECANCELED;
	in->n += n > 0 ? n : 0;
	return n > 0;
}

/* Without ICANON a line ends where we see it. */
static bool input_has_line(const struct terminal_input *in, ssize_t from)
{
	const cc_t *c = in->modes.c_cc;

	for (; from < in->n; from++)
		if (in->p[from] == '\n' || in->p[from] == c[VEOF] || in->p[from] == c[VEOL])
			return true;
	return in->n == (ssize_t)sizeof(in->p);
}

static void *input_run(void *arg)
{
	struct terminal_input *in = arg;
	const uint64_t one = 1;
	ssize_t from = 0;

	in->id = (int)syscall(SYS_gettid);
	while (input_read(in) && !(in->modes.c_lflag & ICANON) && !input_has_line(in, from))
		from = in->n;
	in->ended = true;
	while (write(in->came, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	return NULL;
}

/* ---- its beginning and end ---- */

static int input_start_thread(struct terminal_input *in)
{
	const struct sigaction sa = { .sa_handler = input_note_signal };
	pthread_attr_t attr;
	sigset_t all, was;
	int r = -1;

	if (pthread_attr_init(&attr) != 0)
		return -1;
	/* The signals are the caller's, but for the one that ends a read. */
	sigfillset(&all);
	sigdelset(&all, END_SIGNAL);
	sigaction(END_SIGNAL, &sa, &in->old);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	if (pthread_attr_setstacksize(&attr, STACK_SIZE) == 0)
		r = pthread_create(&in->thread, &attr, input_run, in);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (r != 0)
		sigaction(END_SIGNAL, &in->old, NULL);
	pthread_attr_destroy(&attr);
	return r == 0 ? 0 : -1;
}

static void input_free(struct terminal_input *in)
{
	if (in->came >= 0)
		close(in->came);
	locked_unmap(in, sizeof(*in));
}

/* How often the thread has gone to sleep; -1: that cannot be read. */
static long input_sleeps(const struct terminal_input *in)
{
	static const char key[] = "\nvoluntary_ctxt_switches:";
	char path[64], *text = NULL, *line;
	long count = -1;
	size_t n;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)in->id);
	if (io_slurp(path, 65536, &text, &n, NULL) != 0)
		return -1;
	line = strstr(text, key);
	if (line)
		count = strtol(line + strlen(key), NULL, 10);
	free(text);
	return count;
}

/* Wake who waits for the terminal (n_tty_set_termios), to see that there is nothing and sleep once
 * more.  Did the thread, which had gone to sleep so often? */
static bool input_is_woken(const struct terminal_input *in, long sleeps)
{
	int64_t deadline = clock_now_ms() + WAKE_MS;

	tcsetattr(in->fd, TCSANOW, &in->modes);
	do {
		poll(NULL, 0, 1);
		if (input_sleeps(in) > sleeps)
			return true;
	} while (clock_now_ms() < deadline);
	return false;
}

/*
 * Does the thread wait for the terminal, and not for another's read(2) of it to end?  Who waits
 * for n_tty's atomic_read_lock is not woken by new modes.  But who holds that lock is, and can then
 * let go of it and have it again before the thread has run: a sleep more without the lock.  It
 * can do that once, for the kernel hands a mutex over to one that was woken for nothing; and once
 * more by a line discipline that it waits to change, which keeps readers out before.  More such
 * sleeps in a row are the terminal's.
 */
static bool input_holds_terminal(struct terminal_input *in, int ms)
{
	int64_t deadline = clock_now_ms() + ms;
	long before;
	int pokes;

	while (clock_now_ms() < deadline && !in->ended) {
		before = input_sleeps(in);
		poll(NULL, 0, POKE_MS);
		/* Asleep, as far as can be told: then only we wake it. */
		in->slept = input_sleeps(in);
		if (!in->id || before < 0 || in->slept != before)
			continue;
		for (pokes = 0; pokes < POKES && input_is_woken(in, in->slept); pokes++)
			in->slept = input_sleeps(in);
		if (pokes == POKES)
			return true;
	}
	/* Something came, and we have it. */
	return in->ended;
}

struct terminal_input *terminal_input_begin(int fd, const struct termios *modes, struct failure *f)
{
	struct terminal_input *in = locked_map(sizeof(*in), f);

	if (!in)
		return NULL;
	in->fd = fd;
	in->modes = *modes;
	in->came = eventfd(0, EFD_CLOEXEC);
	if (in->came < 0 || input_start_thread(in) != 0) {
		fail_errno(f, NULL, "read the terminal");
		input_free(in);
		return NULL;
	}
	if (!terminal_is_watched() || input_holds_terminal(in, FIRST_MS))
		return in;
	terminal_input_end(in);
	terminal_fail_read(f);
	return NULL;
}

bool terminal_input_is_ours(struct terminal_input *in)
{
	/* Without ICANON each byte wakes it. */
	if (!terminal_is_watched() || !(in->modes.c_lflag & ICANON) || in->ended ||
	    input_sleeps(in) == in->slept)
		return true;
	return input_holds_terminal(in, AGAIN_MS);
}

void terminal_input_end(struct terminal_input *in)
{
	if (!in)
		return;
	in->end = true;
	/* A signal that comes just before the call is lost. */
	while (!in->ended) {
		pthread_kill(in->thread, END_SIGNAL);
		poll(NULL, 0, 1);
	}
	pthread_join(in->thread, NULL);
	sigaction(END_SIGNAL, &in->old, NULL);
	input_free(in);
}

/* ---- what came ---- */

int terminal_input_fd(const struct terminal_input *in)
{
	return in->came;
}

int terminal_input_take(struct terminal_input *in, uint8_t *byte)
{
	errno = EAGAIN;
	if (!in->ended)
		return -1;
	if (in->error) {
		errno = in->error;
		return -1;
	}
	if (in->taken == (size_t)in->n)
		return 0;
	*byte = in->p[in->taken];
	io_wipe(&in->p[in->taken++], 1);
	return 1;
}

bool terminal_input_was_cut(const struct terminal_input *in)
{
	return in->ended &&
	       in->n >= (in->modes.c_lflag & ICANON ? TERMINAL_LINE_MAX : (ssize_t)sizeof(in->p));
}
