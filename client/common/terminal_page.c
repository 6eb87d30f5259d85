/*
 * client/common/terminal_page.c - the alternate screen.
 */
#include "client/common/terminal_page.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fail.h"
#include "base/io.h"

#define PATIENCE_MS 10000
#define ROWS_MOST 500u

/* Of xterm, which whatever has an alternate screen understands. */
#define PAGE_ENTER "\033[?1049h"
#define PAGE_LEAVE "\033[?1049l"
#define CURSOR_HOME "\033[H"
#define ROW_ERASE "\033[%u;1H\033[2K" /* with its NUL as long as three digits make it */

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

static void page_write_text(int fd, const char *text)
{
	page_write(fd, text, strlen(text));
}

/*
 * Line by line: what erases a whole screen has some terminals keep it among those to scroll
 * back to, where they have no alternate one.  MUST: more lines than any has, and not as many as it
 * is said to have: what a session said of that (TIOCSWINSZ) outlives it.
 */
static void page_erase(int fd)
{
	char text[ROWS_MOST * sizeof(ROW_ERASE) + sizeof(CURSOR_HOME)];
	size_t n = 0;
	unsigned row;

	for (row = 1; row <= ROWS_MOST; row++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ROW_ERASE, row);
	snprintf(text + n, sizeof(text) - n, CURSOR_HOME);
	page_write_text(fd, text);
}

void terminal_page_show(int fd, const struct terminal_page *p)
{
	*shown = true;
	page_write_text(fd, PAGE_ENTER);
	page_erase(fd);
	page_write_text(fd, p->above);
	page_write(fd, p->secret, p->n);
	page_write_text(fd, p->below);
}

void terminal_page_leave(int fd)
{
	if (!*shown)
		return;
	page_erase(fd);
	page_write_text(fd, PAGE_LEAVE);
	*shown = false;
}
