/*
 * client/common/terminal_page.c - the alternate screen.
 */
#include "client/common/terminal_page.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/fail.h"
#include "base/io.h"

#define PATIENCE_MS 10000
#define ROWS_MOST 500u

/* Of xterm, which whatever has an alternate screen understands. */
#define PAGE_ENTER "\033[?1049h"
/* Without these a session's leftover has rows counted from somewhere else, or lines scroll away
 * (DECSTBM, DECOM). */
#define ROWS_ALL "\033[r\033[?6l"
#define PAGE_LEAVE "\033[?1049l"
#define CURSOR_HOME "\033[H"
#define ROW_ERASE "\033[%u;1H\033[2K" /* with its NUL as long as three digits make it */
#define ERASURE (sizeof(ROWS_ALL) + ROWS_MOST * sizeof(ROW_ERASE) + sizeof(CURSOR_HOME))

static bool own_shown;
static volatile bool *shown = &own_shown; /* shared with the parent, once that was possible */

int terminal_page_require(const char *what, struct failure *f)
{
	const char *term = getenv("TERM");

	if (term && *term && strcmp(term, "dumb") != 0)
		return 0;
	return fail_set(f, FAIL_POLICY,
			"in another terminal; or, where a line of a shell's file says so of this "
			"one: the same command with TERM=xterm before it",
			"%s is not shown: TERM says that this terminal keeps each line", what);
}

void terminal_page_guard(void)
{
	void *p = mmap(NULL, sizeof(*shown), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);

	if (p != MAP_FAILED)
		shown = p;
}

static void page_write(int fd, const void *p, size_t n)
{
	io_write_all(fd, p, n, clock_now_ms() + PATIENCE_MS);
}

/*
 * Line by line: what erases a whole screen has some terminals keep it among those to scroll
 * back to, where they have no alternate one.  MUST: more lines than any has, and not as many as it
 * is said to have: what a session said of that (TIOCSWINSZ) outlives it.
 */
static size_t page_erasure(char text[ERASURE])
{
	size_t n = (size_t)snprintf(text, ERASURE, ROWS_ALL);
	unsigned row;

	for (row = 1; row <= ROWS_MOST; row++)
		n += (size_t)snprintf(text + n, ERASURE - n, ROW_ERASE, row);
	return n + (size_t)snprintf(text + n, ERASURE - n, CURSOR_HOME);
}

/* What is left of these parts after the first done bytes. */
static void page_write_rest(int fd, const struct iovec *part, unsigned parts, size_t done)
{
	unsigned i;

	for (i = 0; i < parts; i++) {
		if (done < part[i].iov_len)
			page_write(fd, (const char *)part[i].iov_base + done,
				   part[i].iov_len - done);
		done -= done < part[i].iov_len ? done : part[i].iov_len;
	}
}

#define PART(text)                                                             \
	{                                                                      \
		.iov_base = (void *)(uintptr_t)(text), .iov_len = strlen(text) \
	}

void terminal_page_show(int fd, const struct terminal_page *p)
{
	char erasure[ERASURE];
	const struct iovec part[] = {
		PART(PAGE_ENTER), { .iov_base = erasure, .iov_len = page_erasure(erasure) },
		PART(p->above),	  { .iov_base = (void *)(uintptr_t)p->secret, .iov_len = p->n },
		PART(p->below),
	};
	const unsigned parts = sizeof(part) / sizeof(part[0]);
	ssize_t n = -1;

	*shown = true;
	/* In one call, during which the kernel lets no other program write there (tty_io.c,
	 * atomic_write_lock): one that left the alternate screen just before the secret would
	 * have it kept among the lines. */
	if (io_wait(fd, POLLOUT, clock_now_ms() + PATIENCE_MS) > 0)
		n = writev(fd, part, (int)parts);
	page_write_rest(fd, part, parts, n < 0 ? 0 : (size_t)n);
}

void terminal_page_leave(int fd)
{
	char erasure[ERASURE];

	if (!*shown)
		return;
	page_write(fd, erasure, page_erasure(erasure));
	page_write(fd, PAGE_LEAVE, strlen(PAGE_LEAVE));
	*shown = false;
}
