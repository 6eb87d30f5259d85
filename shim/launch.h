/*
 * shim/launch.h - the environment that claude gets, and becoming claude.
 */
#ifndef SHIM_LAUNCH_H
#define SHIM_LAUNCH_H

#include <stdbool.h>
#include "wire/limits.h"
#include "wire/policy.h"

struct failure;
struct provider;
struct target;

/* What is going to be started, and how its secrets get there. */
struct launch {
	const struct provider *provider;
	const char *pin;	 /* the project's file that named it, or "" */
	const struct target *target;
	char **arguments;	/* behind argv[0] */
	enum delivery delivery; /* never AUTO; without meaning when there is no secret */
	int connection;		/* to the broker, or -1 */
	int pipe;		/* PIPE: the secret's descriptor, or -1 */
	char *secret[SESSION_ENTRIES_MAX]; /* ENV: NAME=value */
	unsigned secrets;
	bool executed;		/* it came to exec, and that failed */
};

/* Which delivery the files and the target allow.  0 or -1 (FAIL_POLICY). */
int launch_delivery(const struct provider *p, const struct target *t, enum delivery *d,
		    struct failure *f);

/*
 * Make the provider's config_dir (0700) where it is missing; one that others can
 * write is refused, as the client runs what its settings say.  0 or -1.
 */
int launch_config_dir(const struct provider *p, struct failure *f);

/* -n: print what would happen, one fact a line. */
int launch_print(const struct launch *l, struct failure *f);

/* Become the target.  Returns only on failure. */
int launch_exec(struct launch *l, struct failure *f);

#endif
