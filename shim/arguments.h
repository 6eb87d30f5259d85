/*
 * shim/arguments.h - which words of the command line are ours.
 */
#ifndef SHIM_ARGUMENTS_H
#define SHIM_ARGUMENTS_H

#include <stdbool.h>
#include "wire/limits.h"

struct failure;

enum action { ACTION_RUN, ACTION_LIST, ACTION_HELP, ACTION_VERSION };

struct arguments {
	enum action action;
	bool dry_run;
	const char *program;	     /* --exec, --wrap; NULL: claude */
	char provider[NAME_MAX_LEN + 1]; /* "": none was named */
	char mode[NAME_MAX_LEN + 1];
	bool soft;		     /* the mode is a pin's or the default's: a word may say another */
	const char *unknown;	     /* begins like an option of ours, and is claude's if a provider is found */
	char **rest;		     /* what goes to the program, NULL-terminated */
};

/*
 * Our options, the provider and, after it, words of the form --MODE (settled
 * later by arguments_take_modes, which needs the provider's file).  Everything
 * behind is the program's, byte for byte.  FAIL_USAGE otherwise.
 */
int arguments_parse(struct arguments *a, char **argv, struct failure *f);

/* Split PROVIDER[:MODE] into a.  FAIL_USAGE when it cannot be one. */
int arguments_set_provider(struct arguments *a, const char *word, struct failure *f);

/*
 * Take --MODE words directly after the provider, as far as `known` (modes of
 * the provider's file) names them, then one "--".
 */
int arguments_take_modes(struct arguments *a, char known[][NAME_MAX_LEN + 1], unsigned n,
		    struct failure *f);

extern const char arguments_usage[];

#endif
