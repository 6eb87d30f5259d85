/*
 * config/source/source_seal.h - what of a source is sealed with an entry.
 *
 * The file says which program to run.  What was sealed when the key was added says which
 * program may run, so that nobody who can write the file can run another.
 */
#ifndef CONFIG_SOURCE_SOURCE_SEAL_H
#define CONFIG_SOURCE_SOURCE_SEAL_H

#include "config/source/source.h"
#include "wire/source.h"

struct failure;

/*
 * What is to be sealed for a reference: the file's command with the reference's parts in
 * their places, and the program where PATH has it now.  0, or -1 with FAIL_BAD_VALUE
 * (the reference), FAIL_CONFIG (the file), FAIL_SOURCE (the program is not installed).
 */
int source_seal(const struct source_file *s, const char *ref, struct entry_source *out,
		struct failure *f);

/* Does the file still say what was sealed, the program's directory excepted?  0, or -1 with
 * FAIL_ORIGIN when it does not. */
int source_check(const struct source_file *s, const struct entry_source *sealed, struct failure *f);

/* FAIL_SOURCE: there is no such program.  The hint names the package.  Returns -1. */
int source_not_installed(const struct source_file *s, const char *program, struct failure *f);

#endif
