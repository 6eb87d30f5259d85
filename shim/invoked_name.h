/*
 * shim/invoked_name.h - ccrun invoked by the name of a link to it, which selects a
 * provider (ccctl link).
 */
#ifndef SHIM_INVOKED_NAME_H
#define SHIM_INVOKED_NAME_H

struct arguments;
struct failure;

enum invoked_name {
	INVOKED_UNKNOWN = -1, /* neither; the failure says so */
	INVOKED_AS_CCRUN,     /* the command line is arguments_parse's */
	INVOKED_BY_LINK	      /* a is filled in */
};

/*
 * Parse argv[0].  A link's name means what [links] of ccrun.conf says, else the
 * provider (NAME or NAME:MODE) that it names; all words are the program's then.
 */
enum invoked_name invoked_name_parse(struct arguments *a, char **argv, struct failure *f);

#endif
