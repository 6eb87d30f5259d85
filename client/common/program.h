/*
 * client/common/program.h - running another program and taking down what it says.
 */
#ifndef CLIENT_COMMON_PROGRAM_H
#define CLIENT_COMMON_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

struct failure;

#define PROGRAM_ERRORS 2048 /* bytes of its standard error that are kept */

struct program {
	const char *path;	 /* NULL: argv[0], looked for in PATH */
	const char *const *argv; /* ends with NULL */
	size_t most;		 /* bytes of its standard output */
	int patience_ms;
};

struct program_said {
	char *out; /* allocated, NUL-terminated: program_said_free */
	size_t n;
	char err[PROGRAM_ERRORS]; /* its first bytes, NUL-terminated */
	int status;		  /* as waitpid has it */
};

/*
 * Run it in a process group of its own, with nothing to read, and wait for its end.  Not for
 * secrets: what it says is in ordinary memory.  0, whatever its exit status; or -1: it could not be
 * run, or said too much or was not done in time (FAIL_TOO_LARGE, FAIL_TIMEOUT), and was killed.
 */
int program_run(const struct program *p, struct program_said *out, struct failure *f);
void program_said_free(struct program_said *s);

/* Did it end by itself, with that exit status? */
bool program_ended(const struct program_said *s, int exit);

/* Make of what a program of ours wrote to standard error ("NAME: what", "hint: ...") a failure. */
void program_failure(const struct program_said *s, struct failure *f);

#endif
