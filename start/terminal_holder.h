/*
 * start/terminal_holder.h - which program of ours keeps the terminal for itself (TIOCEXCL).
 *
 * The kernel does not tell, and leaves a terminal so when who set it was ended by SIGKILL.  So
 * it is told from names: a process that asks is called as its program is, one that waits for
 * the terminal TERMINAL_WAITS, and one that is about to keep it TERMINAL_TAKES.
 */
#ifndef START_TERMINAL_HOLDER_H
#define START_TERMINAL_HOLDER_H

#include <stdbool.h>
#include <sys/types.h>

#define TERMINAL_WAITS "ccrun waits"
#define TERMINAL_TAKES "ccrun takes"

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

/* Be called TERMINAL_WAITS or TERMINAL_TAKES; NULL: as before. */
void terminal_call_self(const char *name);

/*
 * Several may have opened the terminal before one of them kept it: is it another's to ask
 * there?  The caller called itself TERMINAL_TAKES, then looked whether the terminal was kept
 * (*held), then kept it; it does so until it knows.  One of several gets it, the one with the
 * lowest PID (Lamport's bakery, with PIDs for tickets), and the others call themselves
 * TERMINAL_WAITS.  false also if that cannot be told: from whom it is taken notices.
 * *held: not if one that gave way may have kept it, who leaves it so to whom it gave way.
 */
bool terminal_is_anothers(bool *held);

/* Of standard input, output and error, the first that is the controlling terminal; or -1. */
int terminal_inherited(void);

#endif
