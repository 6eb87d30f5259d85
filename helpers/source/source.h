/*
 * helpers/source/source.h - the parts of ccrun-source: what is to be fetched,
 * running the manager, reading its answer, and saying what went wrong.
 */
#ifndef HELPERS_SOURCE_SOURCE_H
#define HELPERS_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "config/source/command.h"
#include "config/source/source.h"

struct failure;

#define OUTPUT_MAX (64 * 1024) /* bytes of a manager's output that is JSON */
#define SAID_MAX 8192	       /* bytes of its standard error that are looked at */

/* What became of the manager. */
struct manager_result {
	uint8_t *out;	  /* room + 1 bytes in locked memory: its standard output */
	size_t room, n;
	char said[SAID_MAX + 1]; /* the end of its standard error */
	bool gone;	  /* the program is not there */
	bool large;	  /* it said more than there is room for, and was ended */
	bool late;	  /* its time was over, and it was ended */
	bool stopped;	  /* somebody ended us: Ctrl-C, SIGTERM, SIGHUP */
	int status;	  /* of waitpid */
};

/* ---- manager.c ---- */

/* First of all: signals that end us come as an event from now on.  0 or -1. */
int manager_signals(struct failure *f);

/* Did one come?  Waits for `ms` at most. */
bool manager_stopped(int ms);

/*
 * Run the words and wait until they are done, `seconds` at most.  terminal: with
 * the terminal as standard input, in its foreground, so that it can ask; else
 * without one.  listen: its standard error comes through us, to be looked at.  0
 * with *o filled, -1 when it could not be started.
 */
int manager_run(const struct command_words *w, bool terminal, bool listen, unsigned seconds, struct manager_result *o,
		struct failure *f);

/* ---- answer.c ---- */

/* What the manager's end means, if it is a failure.  0 or -1 with FAIL_SOURCE. */
int result_check(const struct manager_result *o, const struct source_file *s, const char *program,
		  unsigned seconds, struct failure *f);

/*
 * The token in o->out, by the sealed `pick`: *p, *n.  0 or -1 with FAIL_SOURCE.
 * It may be in jansson's memory: js_locked_end() when it is needed no longer.
 */
int result_token(const struct manager_result *o, const struct source_file *s, const char *pick,
		  const uint8_t **p, size_t *n, struct failure *f);

/* ---- json.c ---- */

/*
 * The text at a dotted path ("" for the whole) of n bytes of JSON: *p, *len, in
 * jansson's memory (json/locked.h).  0 or -1 with f set.
 */
int js_field_text(const uint8_t *text, size_t n, const char *field, const uint8_t **p, size_t *len,
	       struct failure *f);

#endif
