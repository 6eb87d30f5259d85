/*
 * helpers/source/password_manager.h - run a secret manager's program (op, pass, gpg ...).
 */
#ifndef HELPERS_SOURCE_PASSWORD_MANAGER_H
#define HELPERS_SOURCE_PASSWORD_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/source/command.h"

struct failure;

#define MANAGER_OUTPUT_MAX (64 * 1024) /* bytes of standard output, where it is JSON */
#define MANAGER_STDERR_MAX 8192	       /* bytes of standard error that are kept */

/* How a manager's run ended. */
struct manager_result {
	const char *title, *waits; /* what a person is told when it does not end at once */
	uint8_t *out;	/* standard output: room + 1 bytes in locked memory, the caller's */
	size_t room, n; /* of out: bytes accepted, bytes read */
	char err[MANAGER_STDERR_MAX + 1]; /* the end of standard error, if it was captured */
	bool not_found;			  /* exec failed: there is no such program */
	bool too_large;			  /* it printed more than room bytes, and was killed */
	bool timed_out;			  /* it did not end in time, and was killed */
	bool interrupted; /* this process got SIGINT, SIGTERM, SIGQUIT or SIGHUP: it was killed */
	int status;	  /* from waitpid */
};

/*
 * Call it before the first manager_run: blocks SIGCHLD and the signals that would
 * end this process, and reads them from a signalfd from then on.  0, or -1 with f set.
 */
int manager_block_signals(struct failure *f);

/* Wait ms milliseconds for a signal that should end this process.  True: one came. */
bool manager_interrupted(int ms);

/*
 * Run command w and wait for its end, for at most `seconds`.  When it has not ended after
 * three, a line on standard error says what it may be waiting for, unless it asks on this
 * terminal itself.
 *   terminal: standard input is the terminal (descriptor 0), and the manager is its
 *             foreground process group, so that it can ask for a password; else it
 *             has a session of its own and /dev/null
 *   capture_err: copy its standard error to o->err and pass it on to ours; else it
 *             inherits ours
 *   started:  called once it runs, before anything of it is read: 0, or -1 with f set and it
 *             is killed; or NULL
 * *o: the caller has set title, waits, out and room, and everything else to zero.  Returns 0 with
 * *o filled (of which not_found is one outcome), or -1 with f set: it could not be
 * started, or what is typed for it may reach a session (start/console.h, agent.h).
 */
int manager_run(const struct command_words *w, bool terminal, bool capture_err, unsigned seconds,
		int (*started)(struct failure *f), struct manager_result *o, struct failure *f);

#endif
