/*
 * helpers/source/agent_kind.h - managers that have an agent of their own ask for the passphrase, and
 * where it listens.
 */
#ifndef HELPERS_SOURCE_AGENT_KIND_H
#define HELPERS_SOURCE_AGENT_KIND_H

#include "base/paths.h"
#include "config/source/command.h"

struct failure;

struct agent_kind {
	const char *name;	 /* "gpg-agent" */
	const char *programs[5]; /* that use it; ends with NULL */
	const char *say;	 /* it answers this at once; NULL: it greets */
	const char *end;	 /* a hint: the command that ends it */
	/* path = where it listens for this command's program.  0, or -1 with f set. */
	int (*find)(const struct command_words *w, char path[PATH_SIZE], struct failure *f);
};

/*
 * The kind of agent that a command's program uses, or NULL.  Of a shell's words, and those of env,
 * any may name the program; what a script runs is not known.
 */
const struct agent_kind *agent_kind_of(const struct command_words *w);

#endif
