/*
 * helpers/helper_cage.h - what a helper cannot do: it links a large library, and reads what
 * other programs answer.
 */
#ifndef HELPERS_HELPER_CAGE_H
#define HELPERS_HELPER_CAGE_H

#include <stdbool.h>

struct failure;

struct helper_cage {
	bool broker;	    /* it calls the broker */
	bool network;	    /* it needs more than unix sockets */
	bool forks;	    /* it starts processes of its own program, and may end them */
	bool child;	    /* it has started another program, and ends that one by a signal */
	const char *device; /* the one file that it writes; or NULL */
};

/*
 * Restrict this process for the rest of its life: it reads the system's files, none of the
 * user's and no vault, writes none but the device, runs no program, signals nobody and has
 * unix sockets alone (sandbox/cage.h).  Returns 0, or -1 with f set: the caller ends then.
 */
int helper_cage_enter(const struct helper_cage *c, struct failure *f);

#endif
