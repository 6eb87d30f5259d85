/*
 * client/common/terminal_held.c - whether somebody had this process stand still.
 */
#include "client/common/terminal_held.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define HELD_MS 1500

/* How long this thread has waited for a processor, in ms; 0: the kernel does not count it. */
static int64_t held_waited_ms(void)
{
	unsigned long long ns = 0;
	char text[96];
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return sscanf(text, "%*u %llu", &ns) == 1 ? (int64_t)(ns / 1000000) : 0;
}

static void held_note(struct terminal_held *h)
{
	struct timespec t = { 0 };

	/* Which does not count while the machine sleeps. */
	clock_gettime(CLOCK_MONOTONIC, &t);
	h->looked = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
	h->waited = held_waited_ms();
}

void terminal_held_begin(struct terminal_held *h)
{
	held_note(h);
}

bool terminal_held_look(struct terminal_held *h)
{
	const struct terminal_held before = *h;

	held_note(h);
	return h->looked - before.looked - (h->waited - before.waited) > HELD_MS;
}
