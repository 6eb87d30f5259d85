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
#define POKE_MS 20
#define END_SIGNAL SIGALRM

struct terminal_input {
	int fd;
	struct termios modes;
	pthread_t thread;
	struct sigaction old;
	int came; /* an eventfd, for the taker */
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

/*
 * Does the thread wait for the terminal, and not for another's read(2) of it to end?  Setting the
 * modes wakes who waits for a terminal (n_tty_set_termios), to see that there is nothing and
 * sleep once more; who waits for n_tty's atomic_read_lock sleeps on.
 */
static bool input_holds_terminal(const struct terminal_input *in)
{
	int64_t deadline = clock_now_ms() + FIRST_MS;
	long before, after;

	while (clock_now_ms() < deadline && !in->ended) {
		before = input_sleeps(in);
		poll(NULL, 0, POKE_MS);
		/* Asleep, as far as can be told: then only we wake it. */
		if (!in->id || before < 0 || input_sleeps(in) != before)
			continue;
		tcsetattr(in->fd, TCSANOW, &in->modes);
		poll(NULL, 0, POKE_MS);
		after = input_sleeps(in);
		if (after > before)
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
	if (!terminal_is_watched() || input_holds_terminal(in))
		return in;
	terminal_input_end(in);
	terminal_fail_read(f);
	return NULL;
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
