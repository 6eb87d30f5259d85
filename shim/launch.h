/*
 * shim/launch.h - the environment that claude gets, and executing claude.
 */
#ifndef SHIM_LAUNCH_H
#define SHIM_LAUNCH_H

#include <stdbool.h>
#include "wire/limits.h"
#include "wire/policy.h"

struct background;
struct confinement;
struct failure;
struct network;
struct own_manager_variables;
struct provider;
struct takeover;
struct target;

/* What ccrun is going to execute, and how the secrets get there. */
struct launch {
	const struct provider *provider;
	const char *pin; /* the project's file that named it, or "" */
	const struct target *target;
	const struct confinement *confinement;
	char **arguments;	/* argv[1] and on, ends with NULL; the caller's, as all above */
	enum delivery delivery; /* never AUTO; without meaning when there is no secret */
	int connection;		/* to the broker, or -1 */
	int pipe;		/* PIPE: the secret's descriptor, or -1 */
	int place;		/* RELAY: of the relay's socket, or -1 */
	const char *ticket;	/* RELAY: the session's, or NULL */
	bool first_party;	/* RELAY: as in struct delivery_choice; why too */
	const char *why;
	const struct network *network; /* RELAY: what the relay goes through */
	const struct takeover *taken;  /* of the person's settings */
	const struct own_manager_variables *opens;
	bool agents;			     /* its words are for agents in the background */
	const struct background *background; /* where these would go */
	char *secret[SESSION_ENTRIES_MAX];   /* ENV: NAME=value */
	unsigned secrets;
	bool preloads;	  /* the library goes along */
	bool exec_failed; /* execve itself failed, not what comes before it */
};

/* Will the target itself have the key, in whatever way? */
bool launch_key_inside(const struct launch *l);

/*
 * Make the provider's config_dir (0700) where it is missing.  One that other users
 * can write is refused: settings in it can make the client run programs.  0 or -1.
 */
int launch_config_dir(const struct provider *p, struct failure *f);

/* ccrun -n: print what would be executed and set, one fact a line.  0 or -1. */
int launch_print(const struct launch *l, struct failure *f);

/* Execute the target in this process.  Returns only on failure: -1, the secrets wiped. */
int launch_exec(struct launch *l, struct failure *f);

#endif
