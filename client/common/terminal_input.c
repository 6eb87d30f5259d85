/*
 * client/common/terminal_input.c - a thread that always waits for a terminal's input.
 */
#include "client/common/terminal_input.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/locked.h"
#include "client/common/terminal_watch.h"

#define ROOM 8192 /* a power of two; a terminal has 4,096 bytes at once */
#define STACK_SIZE (64UL * 1024)
/* A look takes 0.1 s where nobody else waits.  Who waits behind another is seen by the next. */
#define LOOKS 2
#define LOOKS_MS 2000
#define END_SIGNAL SIGALRM

struct terminal_input {
	int fd;
	struct termios modes;
	pthread_t thread;
	struct sigaction old;
	int policy;
	int came; /* an eventfd, for the taker */
	atomic_bool looked, end, ended;
	bool line;		   /* it has the end of one: the thread's alone */
	int error;		   /* once it ended: of read(2); 0: there is no more */
	atomic_size_t read, taken; /* bytes so far */
	uint8_t p[ROOM];	   /* a ring */
};

/* ---- the thread ---- */

static void input_note_signal(int sig)
{
	(void)sig;
}

static void event_tell(int fd)
{
	const uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void event_forget(int fd)
{
	uint64_t n;

	while (read(fd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
}

/* One read(2), as the modes have it.  Its result, with what came in the ring. */
static ssize_t input_read_once(struct terminal_input *in)
{
	size_t at = in->read % ROOM, room = ROOM - (in->read - in->taken);
	ssize_t n;

	if (room > ROOM - at)
		room = ROOM - at;
	if (room == 0) {
		errno = EAGAIN;
		return -1;
	}
	n = read(in->fd, &in->p[at], room);
	/* Looked for before they are the taker's, who wipes them. */
	if (n > 0) {
		in->line = in->line || memchr(&in->p[at], '\n', (size_t)n);
		in->read += (size_t)n;
	}
	return n;
}

/* A read(2) that ends by itself after a while, but not while another process waits in its own.
 * What was typed ahead is kept. */
static void input_look_for_others(struct terminal_input *in)
{
	struct termios looking = in->modes;
	unsigned i;

	looking.c_cc[VMIN] = 0;
	looking.c_cc[VTIME] = 1;
	tcsetattr(in->fd, TCSANOW, &looking);
	for (i = 0; i < LOOKS && !in->end; i++)
		input_read_once(in);
	tcsetattr(in->fd, TCSANOW, &in->modes);
}

/*
 * Behind the line nothing is wanted.  MUST: between two calls of read(2) next to nothing is
 * done, for there the terminal is another's to read.
 */
static void input_read_line(struct terminal_input *in)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };
	ssize_t n = 1;

	while (!in->end && !in->line) {
		if (!terminal_is_watched())
			poll(&p, 1, -1); /* as one who does not keep others out */
		n = input_read_once(in);
		if (n > 0)
			event_tell(in->came);
		else if (n < 0 && errno == EAGAIN)
			poll(NULL, 0, 1); /* the ring is full, or the descriptor does not wait */
		else if (n == 0 || errno != EINTR)
			break;
	}
	in->error = n < 0 ? errno : 0;
}

static void *input_run(void *arg)
{
	struct terminal_input *in = arg;

	if (terminal_is_watched())
		input_look_for_others(in);
	in->looked = true;
	event_tell(in->came);
	input_read_line(in);
	in->ended = true;
	event_tell(in->came);
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

/* Being told of a byte, the caller must not take the processor from who goes back to read:
 * one of this policy does not.  (musl has no function for it.) */
static void input_yield_to_thread(struct terminal_input *in)
{
	const struct sched_param none = { 0 };

	in->policy = (int)syscall(SYS_sched_getscheduler, 0);
	if (in->policy == SCHED_OTHER)
		syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &none);
}

static void input_free(struct terminal_input *in)
{
	const struct sched_param none = { 0 };

	if (in->policy == SCHED_OTHER)
		syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &none);
	if (in->came >= 0)
		close(in->came);
	locked_unmap(in, sizeof(*in));
}

/* Has it found that nobody else waits? */
static bool input_is_alone(struct terminal_input *in)
{
	int64_t deadline = clock_now_ms() + LOOKS_MS;
	struct pollfd p = { .fd = in->came, .events = POLLIN };
	int64_t left;

	while (!in->looked) {
		left = deadline - clock_now_ms();
		if (left <= 0)
			return false;
		poll(&p, 1, (int)left);
	}
	return true;
}

struct terminal_input *terminal_input_begin(int fd, const struct termios *modes, struct failure *f)
{
	struct terminal_input *in = locked_map(sizeof(*in), f);

	if (!in)
		return NULL;
	in->fd = fd;
	in->modes = *modes;
	in->came = eventfd(0, EFD_CLOEXEC);
	in->policy = -1;
	if (in->came < 0 || input_start_thread(in) != 0) {
		fail_errno(f, NULL, "read the terminal");
		input_free(in);
		return NULL;
	}
	input_yield_to_thread(in);
	if (input_is_alone(in))
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
	struct pollfd p = { .fd = in->came, .events = POLLIN };
	bool ended = in->ended;
	uint8_t *at = &in->p[in->taken % ROOM];

	/* Before the look: what comes behind it is told anew. */
	if (in->taken == in->read && !ended && poll(&p, 1, 0) > 0) {
		event_forget(in->came);
		ended = in->ended;
	}
	if (in->taken != in->read) {
		*byte = *at;
		io_wipe(at, 1);
		in->taken++;
		return 1;
	}
	errno = ended ? in->error : EAGAIN;
	return ended && in->error == 0 ? 0 : -1;
}
