/*
 * start/terminal_drop.h - what is typed on after a question that was ended.
 */
#ifndef START_TERMINAL_DROP_H
#define START_TERMINAL_DROP_H

#include <stdbool.h>

/*
 * The question on the terminal fd was ended because of another program, and the person types on, not
 * looking.  What comes would be a command of the shell's, and stand in its history, which that
 * program reads too.  So they are told to stop, as who says it ("ccctl"), and all of it is dropped, unread,
 * until there is a pause of a second; 10 s at most, and not longer than stop(arg), which may be NULL,
 * is false.
 *
 * Leaves the terminal without echo, which the caller switches on again.  MUST be in its
 * foreground, or have SIGTTOU blocked.
 */
void terminal_drop_typing(int fd, const char *who, bool (*stop)(void *arg), void *arg);

#endif
