/*
 * client/common/terminal_page.h - a secret that is shown to the person, on the terminal's
 * alternate screen.
 *
 * The alternate screen is not scrolled back to: what programs read a terminal's or tmux's lines
 * later, as a session inside it can, do not find the secret there.  While it is shown they can.
 */
#ifndef CLIENT_COMMON_TERMINAL_PAGE_H
#define CLIENT_COMMON_TERMINAL_PAGE_H

#include <stdbool.h>
#include <stddef.h>

struct terminal_page {
	const char *above;
	const void *secret;
	size_t n;
	const char *below;
};

/* False: the terminal is none that knows the sequences (TERM=dumb). */
bool terminal_page_possible(void);

/* Before proc_fork_hardened: its parent then knows whether the child shows a page. */
void terminal_page_guard(void);

/* Show the page on the terminal fd, alone; the secret is not copied. */
void terminal_page_show(int fd, const struct terminal_page *p);

/* If one is shown, by this process or by the child that was killed: overwrite it, and go back to
 * the screen as it was. */
void terminal_page_leave(int fd);

#endif
