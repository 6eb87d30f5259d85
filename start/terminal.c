/*
 * start/terminal.c - the terminal on which a person can be asked.
 */
#include "start/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "start/terminal_holder.h"

#define POLL_MS 50
#define LOOK_AGAIN_MS 1000

/* Why the last try met EBUSY. */
static enum terminal_holder held;
static struct terminal_asker holder;

static int terminal_try(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

/* As terminal_try; a terminal whose holder has ended is taken back first.  waits: as in
 * terminal_holder_find. */
static int terminal_try_held(bool waits)
{
	int fd = terminal_try(), inherited;

	if (fd >= 0 || errno != EBUSY)
		return fd;
	held = terminal_holder_find(waits, &holder);
	inherited = held == TERMINAL_HELD_BY_NONE ? terminal_inherited() : -1;
	if (inherited >= 0 && ioctl(inherited, TIOCNXCL) == 0) {
		dprintf(STDERR_FILENO,
			"%s: note: what kept this terminal for itself has ended: others can open "
			"it again\n",
			program_invocation_short_name);
		return terminal_try();
	}
	errno = EBUSY;
	return -1;
}

static int terminal_wait(int64_t deadline)
{
	int64_t now = clock_now_ms(), look = now;
	int fd = -1;

	for (;; now = clock_now_ms()) {
		fd = now >= look ? terminal_try_held(true) : terminal_try();
		if (fd >= 0 || errno != EBUSY || now >= deadline)
			return fd;
		/* Nor will it be given back. */
		if (held == TERMINAL_HELD_BY_NONE && terminal_inherited() < 0)
			break;
		if (now >= look)
			look = now + LOOK_AGAIN_MS;
		poll(NULL, 0, POLL_MS);
	}
	errno = EBUSY;
	return -1;
}

int terminal_open(int patience_ms)
{
	int fd, error;

	if (patience_ms == 0)
		return terminal_try_held(false);
	fd = terminal_try();
	if (fd >= 0 || errno != EBUSY)
		return fd;
	terminal_call_self(TERMINAL_WAITS);
	fd = terminal_wait(clock_now_ms() + patience_ms);
	error = errno;
	terminal_call_self(NULL);
	errno = error;
	return fd;
}

int terminal_wait_turn(int64_t deadline)
{
	int64_t now;
	int fd;

	/* For root it can be opened all the time. */
	poll(NULL, 0, POLL_MS);
	now = clock_now_ms();
	if (now >= deadline) {
		held = terminal_holder_find(true, &holder);
		errno = EBUSY;
		return -1;
	}
	fd = terminal_open((int)(deadline - now));
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

bool terminal_exists(void)
{
	int fd = terminal_open(0);

	if (fd < 0)
		return errno == EBUSY;
	close(fd);
	return true;
}

bool terminal_available(void)
{
	return isatty(STDERR_FILENO) && terminal_exists();
}

int terminal_fail(const char *hint, struct failure *f)
{
	if (errno != EBUSY)
		return fail_set(f, FAIL_USAGE, hint, "cannot ask: there is no terminal");
	if (held == TERMINAL_HELD_BY_UNKNOWN)
		return fail_set(f, FAIL_BUSY,
				"end the program that asks on it, or open another one",
				"another program keeps this terminal for itself");
	if (held == TERMINAL_HELD_BY_NONE)
		return fail_set(
			f, FAIL_BUSY,
			"in that terminal, with its input or its output not redirected: the "
			"same command again",
			"a program that has ended kept this terminal for itself, and nobody "
			"can open it");
	fail_set(f, FAIL_BUSY, NULL,
		 "another program asks for a secret on this terminal: %s (pid %d)", holder.name,
		 (int)holder.pid);
	fail_hint(f, "answer it, or end it (kill %d), then the same command again",
		  (int)holder.pid);
	return -1;
}
