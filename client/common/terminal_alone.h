/*
 * client/common/terminal_alone.h - having a terminal for oneself while a secret is typed.
 *
 * TIOCEXCL: nobody opens it meanwhile, but for root.  It belongs to the terminal, not to
 * the descriptor, so whoever sets it must take it back, however it ends.
 */
#ifndef CLIENT_COMMON_TERMINAL_ALONE_H
#define CLIENT_COMMON_TERMINAL_ALONE_H

#include <stdbool.h>

struct failure;

/*
 * Keep others from opening the terminal fd.  *was_seized: whether they were kept from it before,
 * which terminal_reopen gets.  False: another program of ours was the first to ask there, and
 * nothing is to be reopened; see terminal_wait_turn.
 */
bool terminal_seize(int fd, bool *was_seized);
void terminal_reopen(int fd, bool was_seized);

/*
 * While a secret is read, of which others may have a part: is the terminal fd no longer
 * seized?  Whoever has a descriptor of it can take that back (TIOCNXCL), and then open it.
 */
bool terminal_is_lost(int fd);

/* f: what was typed on a terminal that was altered meanwhile is not used.  Returns -1. */
int terminal_fail_altered(struct failure *f);

/*
 * Before proc_fork_hardened, in a program that asks for secrets: should SIGKILL end the
 * child at a question, its parent restores /dev/tty's echo, ends a page that
 * is shown (client/common/terminal_page.h), and opens it to others again.
 */
void terminal_guard(void);

/*
 * Does another process read the terminal fd, which the person was not asked about yet, or can
 * that not be told, there being too many?  With terminal_seize before, no further one can begin
 * to.  stop(arg): is the look to end, as at Ctrl-C?  false then: it must be made anew.
 */
bool terminal_is_shared(int fd, bool (*stop)(void *arg), void *arg);

/* Name these processes on fd and ask whether to go on.  0, or -1 with FAIL_DECLINED. */
int terminal_ask_about_readers(int fd, struct failure *f);

#endif
