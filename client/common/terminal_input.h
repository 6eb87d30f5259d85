/*
 * client/common/terminal_input.h - a line that is typed on a terminal, read so that nobody else
 * gets any of it.
 *
 * While a process waits in read(2) for a terminal's input, the kernel keeps the read(2) of every
 * other one out (n_tty's atomic_read_lock), whatever descriptor it has and wherever it keeps that.
 * With ICANON one such call lasts until the line has ended.  So a thread is in it from before the
 * question on.
 */
#ifndef CLIENT_COMMON_TERMINAL_INPUT_H
#define CLIENT_COMMON_TERMINAL_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct failure;
struct terminal_input;

/* Bytes of a line and its end that a terminal takes; it drops the rest. */
#define TERMINAL_LINE_MAX 4095

/*
 * Begin to read a line from fd, which has these modes, and is read by nobody else of this process.
 * Without ICANON, for a longer line, others may have some of what comes behind its beginning.  NULL with f set: FAIL_CHANGED when another process waits for the input, which
 * would have it first.
 */
struct terminal_input *terminal_input_begin(int fd, const struct termios *modes, struct failure *f);

/* Is readable when the line, or the input, has ended. */
int terminal_input_fd(const struct terminal_input *in);

/*
 * Is no other process let in, as far as can be told?  One that has the thread stand still for a
 * moment, so that its read(2) ends and begins again behind theirs, wakes it; this looks when
 * something did, for a second at most.
 */
bool terminal_input_is_ours(struct terminal_input *in);

/* The next byte, the line's end too.  1; 0: there is no more; -1 with errno, which is EAGAIN when
 * the line has not ended, and ECANCELED when another process's signal ended our read(2). */
int terminal_input_take(struct terminal_input *in, uint8_t *byte);

/* Was the line too long, so that the terminal dropped some of it? */
bool terminal_input_was_cut(const struct terminal_input *in);

/* Read no more, and wipe what was not taken.  in may be NULL. */
void terminal_input_end(struct terminal_input *in);

#endif
