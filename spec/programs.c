/*
 * spec/programs.c - the options of the programs that have no verbs.
 */
#include <stddef.h>

#include "spec/spec.h"

const struct program_spec spec_ccrun = {
	"ccrun",
	{ "[-n] [--no-key] [--exec PROGRAM] PROVIDER[:MODE] [--MODE ...] [--] [ARGUMENT ...]",
	  "[-n] [--] [ARGUMENT ...]", "--wrap PROVIDER[:MODE] [PROGRAM] [ARGUMENT ...]",
	  "--list | --help | --version" },
	{ { OPTION_DRY_RUN, "dry-run", 'n', NULL,
	    "print what would be run and set, one fact a line" },
	  { OPTION_NO_KEY, "no-key", 0, NULL,
	    "it is meant to have no key, as your own file of the provider says" },
	  { OPTION_EXEC, "exec", 0, "PROGRAM", "run PROGRAM instead of the claude in PATH" },
	  { OPTION_WRAP, "wrap", 0, NULL,
	    "run PROGRAM; for editors that put the program before its arguments" },
	  { OPTION_LIST, "list", 0, NULL, "list the providers and their modes" },
	  { OPTION_HELP, "help", 'h', NULL, "print this" },
	  { OPTION_VERSION, "version", 0, NULL, "print the version" },
	  /* ccctl's: become ccrun-ask */
	  { OPTION_MODELS, "models", 0, NULL, NULL },
	  { OPTION_TEST, "test", 0, NULL, NULL },
	  /* ccctl's: say which claude would be started */
	  { OPTION_CLIENT, "client", 0, NULL, NULL } },
};

const struct program_spec spec_broker = {
	"ccbroker",
	{ "[--system] [--foreground] [--report-fd N]", "--help | --version" },
	{ { OPTION_SYSTEM, "system", 0, NULL, "serve every user, as a user of its own" },
	  { OPTION_FOREGROUND, "foreground", 0, NULL, "do not go into the background" },
	  { OPTION_REPORT_FD, "report-fd", 0, "N", "say on descriptor N when it serves" },
	  { OPTION_HELP, "help", 0, NULL, "print this" },
	  { OPTION_VERSION, "version", 0, NULL, "print the version" } },
};

const struct program_spec spec_statusline = {
	"ccrun-statusline",
	{ "< INPUT", "--help | --version" },
	{ { OPTION_HELP, "help", 0, NULL, "print this" },
	  { OPTION_VERSION, "version", 0, NULL, "print the version" } },
};
