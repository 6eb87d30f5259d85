/*
 * client/common/terminal_watch.h - whether somebody else reads a terminal while a secret is
 * typed on it.
 */
#ifndef CLIENT_COMMON_TERMINAL_WATCH_H
#define CLIENT_COMMON_TERMINAL_WATCH_H

#include <stdbool.h>

struct failure;

/*
 * From now on, whoever gets a byte of the terminal behind fd by a descriptor that was opened
 * by the terminal's name is noticed, wherever it keeps that: in a process that nobody may
 * look into, a message under way, an io_uring.  fd was opened as /dev/tty, a file of its own,
 * so what the caller reads does not count.  Returns a descriptor to be closed, or -1 with
 * errno: it cannot be watched.
 */
int terminal_watch(int fd);

/* Is it the case?  A test build can do without, and without what keeps others from reading. */
bool terminal_is_watched(void);

/* Has another reader what was typed?  watch may be -1. */
bool terminal_was_read(int watch);

/* f: others have a part of what was typed.  Returns -1. */
int terminal_fail_read(struct failure *f);

/* f: we were kept from reading, and so from keeping others out.  Returns -1. */
int terminal_fail_held(struct failure *f);

/*
 * f: no Enter ended what was typed, but Ctrl-D, or who changed the terminal's modes and changed them back:
 * by that the kernel makes a line of what is there.  Returns -1.
 */
int terminal_fail_unended(struct failure *f);

#endif
