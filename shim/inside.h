/*
 * shim/inside.h - what makes a claude that a session starts work on the session's
 * provider: a directory of programs that go before the real one, and the client's
 * launcher variable.
 */
#ifndef SHIM_INSIDE_H
#define SHIM_INSIDE_H

#include <stdbool.h>
#include "base/paths.h"
#include "wire/limits.h"

struct arguments;
struct failure;
struct provider;

/* Below the installation: `claude` and `wrap`, which are ccrun by these names. */
#define INSIDE_DIR "libexec/ccrun/inside"

/* Is the directory, n bytes at dir, one of those or of shim/privileged.h, of this
 * installation or another? */
bool inside_is_dir(const char *dir, size_t n);

enum inside {
	INSIDE_BAD = -1, /* the failure says what is wrong */
	INSIDE_NOT,	 /* ccrun was called by another name */
	INSIDE_SESSION,	 /* a is filled in: the session's provider and mode, and its ticket shown */
	INSIDE_PLAIN,	 /* `claude` without a session: the next one in PATH is to be run */
	INSIDE_CONFINED	 /* by a name of shim/privileged.h, which is in a->program */
};

/*
 * Was this ccrun executed as one of the programs of the directory?
 *
 *   claude ARGUMENT ...                        what PATH finds inside a session
 *   wrap PROVIDER[:MODE] TICKET PROG ...       what the client puts before its own workers
 */
enum inside inside_parse(struct arguments *a, char **argv, struct failure *f);

#define INSIDE_VARIABLES 4

struct inside_variables {
	struct {
		const char *name;
		char value[4 * PATH_SIZE];
	} v[INSIDE_VARIABLES];
	unsigned n;
};

/* What a session is like, for the programs in it. */
struct inside_session {
	const char *ticket; /* by relay; or NULL */
	bool relayed;
	bool confined; /* sudo cannot work */
	bool preloaded;
};

/*
 * What it has in its environment for that: PATH; by relay the client's launcher, and what
 * the library gives to children in place of the relay's socket, so that a claude which is
 * started past all this reaches nobody; CCRUN_CONFINED for them.
 */
void inside_variables(const struct provider *p, const struct inside_session *s,
		      struct inside_variables *out);

#endif
