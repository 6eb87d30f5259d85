/*
 * client/common/terminal_input.h - what is typed on a terminal, read so that nobody else gets
 * it.
 *
 * While a process waits in read(2) for a terminal's input, the kernel keeps the read(2) of every
 * other one out (n_tty's atomic_read_lock), whatever descriptor it has.  So a thread waits there
 * from before the question until the line has ended, and takes at once what comes at once.
 */
#ifndef CLIENT_COMMON_TERMINAL_INPUT_H
#define CLIENT_COMMON_TERMINAL_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct failure;
struct terminal_input;

/*
 * Begin to read fd, which has these modes, without ICANON, and is not to be read by others of
 * this process.  NULL with f set: FAIL_CHANGED when another process waits for the input, which
 * would have it first.
 */
struct terminal_input *terminal_input_begin(int fd, const struct termios *modes, struct failure *f);

/* Is readable when there is a byte, or the input has ended. */
int terminal_input_fd(const struct terminal_input *in);

/* The next byte.  1; 0: the input has ended; -1 with errno, which is EAGAIN when none came yet. */
int terminal_input_take(struct terminal_input *in, uint8_t *byte);

/* Read no more, and wipe what was not taken.  in may be NULL. */
void terminal_input_end(struct terminal_input *in);

#endif
