/*
 * shim/arguments.h - reading ccrun's command line: its own words, and the program's.
 */
#ifndef SHIM_ARGUMENTS_H
#define SHIM_ARGUMENTS_H

#include <stdbool.h>
#include <stdio.h>
#include "wire/limits.h"

struct failure;

enum action { ACTION_RUN, ACTION_LIST, ACTION_HELP, ACTION_VERSION, ACTION_CLIENT };

struct arguments {
	enum action action;
	bool dry_run;
	bool no_key;	 /* --no-key: the person means that there is none, and how it is confined */
	const char *ask; /* --models, --test, ccctl's: run ccrun-ask with that word; or NULL */
	const char *program;		 /* --exec, --wrap; NULL: claude */
	char provider[NAME_MAX_LEN + 1]; /* "": none was named */
	char mode[NAME_MAX_LEN + 1];
	bool wraps;	       /* the program came first, as editors call a wrapper */
	bool claude;	       /* the program is claude, whatever its file is called */
	bool verbatim;	       /* rest goes to the program as it is: no --MODE word is taken */
	bool mode_replaceable; /* it is a pin's or the default's: a --MODE word goes before */
	const char *unknown;   /* an option that is not ccrun's: claude's, if a pin or the
				      * default names a provider; or NULL */
	char **rest;	       /* the program's arguments, NULL-terminated */
};

/*
 * Parse ccrun's options and the provider; a->rest is all that follows, unchanged.
 * (Its first words may be --MODE: arguments_take_modes, once the provider's file
 * is read.)  Strings are borrowed from argv.  0, or -1 with FAIL_USAGE.
 */
int arguments_parse(struct arguments *a, char **argv, struct failure *f);

/* words, one at least, begin with a program as an editor names it; where it has none to name, with
 * claude's own options. */
void arguments_set_wrapped(struct arguments *a, char **words);

/* Split PROVIDER[:MODE] into a.  0, or -1 with FAIL_USAGE when it cannot be one. */
int arguments_set_provider(struct arguments *a, const char *word, struct failure *f);

/*
 * Take --MODE words off the beginning of a->rest as long as known[0..n-1], the
 * modes of the provider's file, has them, then one "--".  0, or -1 with FAIL_USAGE
 * (two different modes).
 */
int arguments_take_modes(struct arguments *a, char known[][NAME_MAX_LEN + 1], unsigned n,
			 struct failure *f);

/* Print the text of ccrun --help. */
void arguments_print_help(FILE *out);

#endif
