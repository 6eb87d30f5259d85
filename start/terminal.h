/*
 * start/terminal.h - the terminal on which a person can be asked.
 *
 * While one of our programs asks for a secret there, nobody can open it (EBUSY); it is there all
 * the same.  Where that program was killed, whoever wants the terminal next opens it to others again.
 */
#ifndef START_TERMINAL_H
#define START_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

struct failure;

#define TERMINAL_PATIENCE_MS 60000 /* while another program of ours asks on the same terminal */

/* Is there /dev/tty?  It may have to be waited for. */
bool terminal_exists(void);

/*
 * The same, and is standard error a terminal, for a program that asks a question?  Standard
 * input may be anything: it is claude's.
 */
bool terminal_available(void);

/*
 * Open /dev/tty, to read and write; patience_ms: how long to wait while another program of ours
 * asks there.  One that is held and whose holder has ended is opened to others again, by a
 * descriptor of it that was inherited.  The descriptor, or -1 with errno.
 */
int terminal_open(int patience_ms);

/*
 * The terminal is open, but another program was the first to ask there (terminal_is_anothers):
 * wait until it can be tried again, at most until that time of clock_now_ms.  0, or -1 as
 * terminal_open.
 */
int terminal_wait_turn(int64_t deadline);

/*
 * After terminal_open: say in f why there is none.  Returns -1: FAIL_BUSY where somebody holds
 * it; else FAIL_USAGE with that hint, or NULL.
 */
int terminal_fail(const char *hint, struct failure *f);

#endif
