/*
 * client/common/terminal_signals.h - signals that are held back while a terminal is without
 * echo: those that would end or stop the process, and SIGCONT.
 */
#ifndef CLIENT_COMMON_TERMINAL_SIGNALS_H
#define CLIENT_COMMON_TERMINAL_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

struct failure;

#define TERMINAL_SIGNALS 6

struct terminal_signals {
	struct sigaction old[TERMINAL_SIGNALS];
	sigset_t mask; /* the caller's: set it only while waiting for input */
};

/* Block them, and note those that come where mask is set; none came so far. */
void terminal_signals_hold(struct terminal_signals *s);

/* As it was before.  Those that are blocked still take effect now. */
void terminal_signals_release(const struct terminal_signals *s);

/* Did one come? */
bool terminal_signals_came(void);

/* Is SIGCONT held back? */
bool terminal_signals_continue_pending(void);

/* Is one held back that would end or stop the process?  s: struct terminal_signals. */
bool terminal_signals_pending(void *s);

/* Was the process continued, and did no signal come that explains why it had stopped? */
bool terminal_signals_only_continued(void);

/*
 * Deliver those that came, now that the terminal is restored and they are released; continued:
 * SIGCONT was pending.  0: the process was stopped and continued, ask again; -1: they should
 * have ended it, but are ignored.
 */
int terminal_signals_obey(bool continued, struct failure *f);

#endif
