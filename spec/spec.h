/*
 * spec/spec.h - what people type: programs, verbs, options, and what an exit status says.
 *
 * One table for ccctl's and ccrun's parsers, for --help, for completion, and for what
 * tools/docs checks: man pages, documents, and the commands that messages name.
 *
 * A form is one way to call a program or a verb, as its usage line has it:
 *
 *	[--source REF [--no-check]] [--set KEY=VALUE]... PROVIDER[:MODE] [PATH ...]
 *
 * Words in capitals are placeholders, and say what kind of word belongs there
 * (spec_placeholders); a|b is a choice of words; [a | b] is a choice of parts.
 */
#ifndef SPEC_SPEC_H
#define SPEC_SPEC_H

#include <stdio.h>

#define SPEC_FORMS 5	/* of a verb, with the NULL behind them */
#define SPEC_OPTIONS 11 /* of a verb, with the empty row behind them */

/* What next_option (client/common/options.h) returns.  An option that has the same name in
 * two verbs has the same id. */
enum option_id {
	OPTION_ALL = 256,
	OPTION_ALLOW,
	OPTION_ASK,
	OPTION_AUTO,
	OPTION_BY,
	OPTION_CLIENT,
	OPTION_DENY,
	OPTION_DIR,
	OPTION_DROP,
	OPTION_DRY_RUN,
	OPTION_EXEC,
	OPTION_FOR,
	OPTION_FOREGROUND,
	OPTION_HELP,
	OPTION_HISTORY,
	OPTION_INPUT,
	OPTION_JSON,
	OPTION_KEY,
	OPTION_KEYFILE,
	OPTION_KEYRING,
	OPTION_LABEL,
	OPTION_LINES,
	OPTION_LIST,
	OPTION_MODEL,
	OPTION_MODELS,
	OPTION_NEW_PASSPHRASE_FD,
	OPTION_NO_CHECK,
	OPTION_NO_KEY,
	OPTION_OUT,
	OPTION_PASSPHRASE_FD,
	OPTION_PROGRAM,
	OPTION_QUIET,
	OPTION_REPLACE,
	OPTION_REPORT_FD,
	OPTION_REVEAL,
	OPTION_SCRUB,
	OPTION_SET,
	OPTION_SINCE,
	OPTION_SOURCE,
	OPTION_SYSTEM,
	OPTION_TEST,
	OPTION_TPM2,
	OPTION_TTL,
	OPTION_UNSET,
	OPTION_USER,
	OPTION_VAULT_PASSPHRASE_FD,
	OPTION_VERIFY,
	OPTION_VERSION,
	OPTION_WAIT,
	OPTION_WIDTH,
	OPTION_WRAP,
	OPTION_YES
};

/* An empty row has neither name nor letter. */
struct option_spec {
	enum option_id id;
	const char *name;     /* without its dashes; NULL: a letter alone */
	char letter;	      /* or 0 */
	const char *argument; /* its placeholder, "[FILE]" if it may be left out; NULL: none */
	const char *what;     /* in some words; NULL: for our own programs, not for people */
};

enum {
	VERB_SECRET = 1,  /* handles secrets: undumpable process, locked memory */
	VERB_ANYWHERE = 2 /* may run inside a session */
};

struct verb_spec {
	const char *name;
	int flags;	  /* VERB_... */
	const char *what; /* in one line; NULL: for our own programs, not for people */
	const char *forms[SPEC_FORMS];
	struct option_spec options[SPEC_OPTIONS];
};

struct program_spec {
	const char *name;
	const char *forms[SPEC_FORMS];
	struct option_spec options[SPEC_OPTIONS];
};

/* What kind of word a placeholder stands for.  Completion knows where these are found. */
enum word_kind {
	WORD_OTHER, /* nothing that could be offered */
	WORD_PROVIDER,
	WORD_PROVIDER_MODE,
	WORD_ENTRY,
	WORD_ENTRY_OR_PROVIDER_MODE,
	WORD_SLOT,
	WORD_SLOT_KIND,
	WORD_SESSION,
	WORD_LAUNCH,
	WORD_LINK,
	WORD_VERB,
	WORD_SETTING,
	WORD_PARAMETER,
	WORD_MODEL,
	WORD_MODE,
	WORD_LIMIT,
	WORD_FILE,
	WORD_DIRECTORY,
	WORD_PROGRAM,
	WORD_CLAUDE /* what claude takes */
};

struct placeholder_spec {
	const char *name;
	enum word_kind kind;
	const char *what;
};

struct exit_spec {
	int code;
	const char *program; /* whose */
	const char *what;    /* how its man page begins to say it */
};

/* Each ends with a row whose first name is NULL. */
extern const struct verb_spec spec_verbs[]; /* of ccctl, in the order of ccctl(1) */
extern const struct program_spec spec_ccctl, spec_ccrun, spec_broker, spec_statusline;
extern const struct placeholder_spec spec_placeholders[];
extern const struct exit_spec spec_exits[];	       /* program is NULL */
extern const struct option_spec spec_claude_options[]; /* of Claude Code, without words */
extern const char *const spec_claude_commands[];       /* ends with NULL */

/* The settings of a vault, as KEY=VALUE; a|b is a choice of values, TIME a length of time. */
#define SPEC_SETTINGS \
	"idle=TIME longest=TIME suspend=yes|no screen=yes|no logout=yes|no durable=yes|no"

/* The verb of this name, or NULL. */
const struct verb_spec *verb_spec_find(const char *name);

/* The option that a word is: --NAME, --NAME=VALUE if it takes one, or -L.  NULL: none. */
const struct option_spec *option_spec_find(const struct option_spec *options, const char *word);

/* What kind of word belongs in place of this placeholder of n characters. */
enum word_kind placeholder_kind(const char *name, size_t n);

/* "usage: PROGRAM [VERB] FORM", a line a form; verb may be NULL.  80 columns. */
void spec_print_forms(FILE *out, const char *program, const char *verb, const char *const *forms);

/* The options, one a line, with a word each.  80 columns. */
void spec_print_options(FILE *out, const struct option_spec *options);

/* The text, each line no longer than 80 columns and behind `indent` blanks but for the first;
 * `at`: the column that is reached. */
void spec_print_wrapped(FILE *out, const char *text, unsigned at, unsigned indent);

#endif
