/*
 * start/terminal_drop.c - drops what is typed on after a question that was ended.
 */
#include "start/terminal_drop.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <termios.h>

#include "base/clock.h"
#include "base/io.h"

#define PAUSE_MS 1000 /* who types is still typing */
#define MOST_MS 10000
#define LOOK_MS 20    /* between looks at the echo */
#define WRITE_MS 1000 /* a terminal that was stopped takes nothing */

/* A pinentry that is ended switches the echo on as it goes.  By bytes, as poll(2) tells of lines alone
 * else.  0 or -1. */
static int echo_off(int fd)
{
	const tcflag_t off = ICANON | ECHO | ECHOE | ECHOK | ECHONL;
	struct termios now;

	if (tcgetattr(fd, &now) != 0)
		return -1;
	if (!(now.c_lflag & off))
		return 0;
	now.c_lflag &= ~off;
	now.c_cc[VMIN] = 1;
	now.c_cc[VTIME] = 0;
	return tcsetattr(fd, TCSANOW, &now);
}

void terminal_drop_typing(int fd, const char *who, bool (*stop)(void *arg), void *arg)
{
	int64_t now = clock_now_ms(), deadline = now + MOST_MS, quiet_at = now + PAUSE_MS;
	char line[64];
	int n = snprintf(line, sizeof(line), "\n%.40s: stop typing", who), came;

	if (echo_off(fd) != 0)
		return;
	io_write_all(fd, line, (size_t)n, now + WRITE_MS);
	while (now < quiet_at && now < deadline && !(stop && stop(arg)) && echo_off(fd) == 0) {
		came = io_wait(fd, POLLIN, now + LOOK_MS);
		now = clock_now_ms();
		if (came < 0 || (came > 0 && tcflush(fd, TCIFLUSH) != 0))
			return;
		if (came > 0)
			quiet_at = now + PAUSE_MS;
	}
}
