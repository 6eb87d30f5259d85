/*
 * start/terminal_holder.h - which program of ours keeps the terminal for itself (TIOCEXCL).
 *
 * The kernel does not tell, and leaves a terminal so when who set it was ended by SIGKILL.  So
 * it is told from names: a process that asks is called as its program is, one that waits for
 * the terminal TERMINAL_WAITS.
 */
#ifndef START_TERMINAL_HOLDER_H
#define START_TERMINAL_HOLDER_H

#include <stdbool.h>
#include <sys/types.h>

#define TERMINAL_WAITS "ccrun waits"

enum terminal_holder {
	TERMINAL_HELD_BY_NONE,
	TERMINAL_HELD,		  /* by one that lives; or one that waits is to take it */
	TERMINAL_HELD_BY_UNKNOWN, /* /proc hides processes, or has too many */
};

struct terminal_asker {
	pid_t pid;
	char name[32];
};

/*
 * Who holds this process's controlling terminal?  Not it, nor its ancestors, nor what is
 * stopped: that lets go, or notices on going on that it has lost the terminal.  waits: it calls
 * itself TERMINAL_WAITS; of those that wait, the one with the lowest PID is to take the terminal.
 * out: of TERMINAL_HELD.
 */
enum terminal_holder terminal_holder_find(bool waits, struct terminal_asker *out);

/* Of standard input, output and error, the first that is the controlling terminal; or -1. */
int terminal_inherited(void);

#endif
