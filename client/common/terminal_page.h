/*
 * client/common/terminal_page.h - a secret that is shown to the person, on the terminal's
 * alternate screen.
 *
 * The alternate screen is not scrolled back to: what programs read a terminal's or tmux's lines
 * later, as a session inside it can, do not find the secret there.  While it is shown they can.
 */
#ifndef CLIENT_COMMON_TERMINAL_PAGE_H
#define CLIENT_COMMON_TERMINAL_PAGE_H

#include <stddef.h>

struct failure;

struct terminal_page {
	const char *what; /* as terminal_page_require has it */
	const char *above;
	const void *secret;
	size_t n;
	const char *below;
};

/*
 * FAIL_POLICY where TERM says that the terminal has no such screen (it is dumb, or not set).  A line
 * of a shell's file says so of any terminal, and is soon written: so nothing is shown then.  what:
 * "the key".
 */
int terminal_page_require(const char *what, struct failure *f);

/* Before proc_fork_hardened: its parent then knows whether the child shows a page. */
void terminal_page_guard(void);

/* Show the page on the terminal fd, alone; the secret is not copied. */
void terminal_page_show(int fd, const struct terminal_page *p);

/* If one is shown, by this process or by the child that was killed: overwrite it, and go back to
 * the screen as it was. */
void terminal_page_leave(int fd);

#endif
