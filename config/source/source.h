/*
 * config/source/source.h - how a token is fetched from another manager: one file a
 * manager, ccrun-source(5).
 *
 * The file says which program to run; what was sealed when the key was added
 * says which one may run.  So a file is needed twice: to seal, and later to see
 * that it says the same still.
 */
#ifndef CONFIG_SOURCE_SOURCE_H
#define CONFIG_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include "wire/source.h"

struct failure;

#define SOURCE_TEXT_MAX 320
#define SOURCE_EXITS 8

enum source_output { OUTPUT_LINE, OUTPUT_FIRST_LINE, OUTPUT_JSON };

/* What a manager's failure means, from the likeliest to be exact. */
enum source_sign { SIGN_CANCELLED, SIGN_SIGNED_OUT, SIGN_MISSING, SIGNS };

struct source_file {
	char kind[NAME_MAX_LEN + 1];
	char title[SOURCE_TEXT_MAX];
	char scheme[SOURCE_TEXT_MAX];  /* what a reference begins with: "pass:" */
	char command[SOURCE_COMMAND_MAX + 1]; /* with {placeholders} */
	char package[SOURCE_TEXT_MAX]; /* what is to be installed, for a message */
	char docs[SOURCE_TEXT_MAX], verified[SOURCE_TEXT_MAX];
	enum source_output output;
	unsigned timeout;	       /* seconds, while a person may be asked */
	struct {
		char text[SOURCE_TEXT_MAX]; /* alternatives with | between them; "" none */
		int exit[SOURCE_EXITS];	    /* exit codes; exits of them */
		unsigned exits;
		char hint[SOURCE_TEXT_MAX];
	} sign[SIGNS];
};

/*
 * The file for a reference: what stands before its colon is the kind.  The
 * user's file of that name goes over the shipped one, key by key.  0, or -1 with
 * FAIL_USAGE (not a reference), FAIL_NO_ENTRY (no such kind), FAIL_CONFIG,
 * FAIL_UNSAFE_PATH.
 */
int source_load(const char *ref, struct source_file *out, struct failure *f);

/*
 * What is to be sealed for a reference: the file's words with the reference's
 * parts in their places, the program where PATH has it now.  0, or -1 with
 * FAIL_BAD_VALUE (the reference), FAIL_CONFIG (the file), FAIL_SOURCE (the
 * program is not installed).
 */
int source_seal(const struct source_file *s, const char *ref, struct entry_source *out,
		struct failure *f);

/* Does the file say what was sealed?  The program's place is the sealed one.
 * FAIL_ORIGIN when it does not. */
int source_check(const struct source_file *s, const struct entry_source *sealed, struct failure *f);

/* Of `pick`: how to read the output, and the field ("" for none).  0 or -1. */
int source_pick(const char *pick, enum source_output *out, const char **field, struct failure *f);

/* The program is gone, or never was there: names the package.  Returns -1. */
int source_not_installed(const struct source_file *s, const char *program, struct failure *f);

/* Does what the manager said, or its exit code (-1: a signal), match a sign? */
bool source_says(const struct source_file *s, const char *said, int exit, enum source_sign *out);

#endif
