/*
 * config/source/source.h - a source: a password manager that has a token, and the file
 * that says how to fetch it, ccrun-source(5).
 */
#ifndef CONFIG_SOURCE_SOURCE_H
#define CONFIG_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include "wire/source.h"

struct failure;
struct ini_file;

#define SOURCE_TEXT_MAX 320
#define SOURCE_EXITS 8

enum source_output { OUTPUT_LINE, OUTPUT_FIRST_LINE, OUTPUT_JSON };

/* What a manager's failure means; the first that matches counts. */
enum source_sign { SIGN_CANCELLED, SIGN_SIGNED_OUT, SIGN_MISSING, SIGNS };

struct source_file {
	char kind[NAME_MAX_LEN + 1];
	char title[SOURCE_TEXT_MAX];
	char scheme[SOURCE_TEXT_MAX];	      /* the beginning of a reference: "pass:" */
	char command[SOURCE_COMMAND_MAX + 1]; /* with {placeholders} */
	char users_file[SOURCE_TEXT_MAX];     /* the user's own, if it says the command; or "" */
	char package[SOURCE_TEXT_MAX];	      /* what to install, for a message */
	char docs[SOURCE_TEXT_MAX], verified[SOURCE_TEXT_MAX];
	enum source_output output;
	char shares[SOURCE_TEXT_MAX];  /* variables that open it, and that sessions keep; or "" */
	char waits[SOURCE_TEXT_MAX];   /* for what it may be waiting, when it does not answer */
	char expires[SOURCE_TEXT_MAX]; /* the field of a JSON output that says when a key ends */
	unsigned timeout;	       /* seconds, while a person may be asked */
	struct {
		char text[SOURCE_TEXT_MAX]; /* alternatives with | between them; "" none */
		int exit[SOURCE_EXITS];	    /* exit codes; exits of them */
		unsigned exits;
		char hint[SOURCE_TEXT_MAX];
	} sign[SIGNS];
};

/*
 * Load the file for a reference; what stands before its colon is the kind.  The
 * user's file of that name overrides the shipped one, key by key.  0, or -1 with
 * FAIL_USAGE (not a reference), FAIL_NO_ENTRY (no such kind), FAIL_CONFIG,
 * FAIL_UNSAFE_PATH.
 */
int source_load(const char *ref, struct source_file *out, struct failure *f);

/* Are the file's sections and keys known, and opens and shares names of variables?  0, or -1 with
 * FAIL_CONFIG. */
int source_check_keys(const struct ini_file *file, struct failure *f);

/* Parse "line", "first-line", "json" or "json:FIELD": how to read the output, and the field
 * ("" for none; it points into pick).  0, or -1 with FAIL_BAD_VALUE. */
int source_pick(const char *pick, enum source_output *out, const char **field, struct failure *f);

/* Does the manager's output on stderr, or its exit code (-1: a signal), match a sign?  *out is
 * then that sign. */
bool source_says(const struct source_file *s, const char *said, int exit, enum source_sign *out);

#endif
