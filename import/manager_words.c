/*
 * import/manager_words.c - what a command may say to a password manager.
 */
#include "import/manager_words.h"

#include <stddef.h>
#include <string.h>

#define VERB_WORDS 2
#define WORDS_MAX 12

/* A command that prints a secret; each list ends with NULL.  From the managers' own help pages. */
struct manager_verb {
	const char *program, *verb[VERB_WORDS];
	const char *flag[WORDS_MAX];   /* options without a value */
	const char *option[WORDS_MAX]; /* with one, behind = or as the next word */
};

static const struct manager_verb verbs[] = {
	{ "op", { "read" }, { "-n", "--no-newline", "--cache" }, { "--account" } },
	{ "op",
	  { "item", "get" },
	  { "--reveal", "--no-newline", "-n", "--cache" },
	  { "--account", "--vault", "--fields", "--field", "--format" } },
	{ "secret-tool", { "lookup" }, { NULL }, { NULL } },
	{ "aws",
	  { "secretsmanager", "get-secret-value" },
	  { "--no-cli-pager" },
	  { "--secret-id", "--version-id", "--version-stage", "--query", "--output", "--region",
	    "--profile" } },
	{ "aws",
	  { "ssm", "get-parameter" },
	  { "--no-cli-pager", "--with-decryption" },
	  { "--name", "--query", "--output", "--region", "--profile" } },
	{ "gpg",
	  { NULL },
	  { "-d", "--decrypt", "-q", "--quiet", "-dq", "-qd", "--batch", "--no-tty", "--yes" },
	  { "--passphrase-file", "--pinentry-mode" } },
	{ "gpg2",
	  { NULL },
	  { "-d", "--decrypt", "-q", "--quiet", "-dq", "-qd", "--batch", "--no-tty", "--yes" },
	  { "--passphrase-file", "--pinentry-mode" } },
	{ "rbw", { "get" }, { "--full", "--ignorecase", "-i" }, { "--folder", "--field" } },
	{ "keepassxc-cli",
	  { "show" },
	  { "-s", "--show-protected", "-q", "--quiet", "--no-password" },
	  { "-a", "--attributes", "-k", "--key-file", "-y", "--yubikey" } },
};

/* How many words of arg the option takes, at most n: 0 if it is none of the list. */
static unsigned words_of_option(const struct manager_verb *v, char (*arg)[MANAGER_ARG_ROOM],
				unsigned n)
{
	size_t len;
	unsigned i;

	for (i = 0; i < WORDS_MAX && v->flag[i]; i++)
		if (strcmp(arg[0], v->flag[i]) == 0)
			return 1;
	for (i = 0; i < WORDS_MAX && v->option[i]; i++) {
		len = strlen(v->option[i]);
		if (strncmp(arg[0], v->option[i], len) != 0)
			continue;
		if (v->option[i][1] == '-' && arg[0][len] == '=')
			return 1;
		/* What the manager takes as a value must not be an option to another reader. */
		if (arg[0][len] == '\0' && n > 1 && arg[1][0] != '-')
			return 2;
	}
	return 0;
}

/* Of how many words the verb is, if the command begins with it; or 0. */
static unsigned words_of_verb(const struct manager_verb *v, char (*arg)[MANAGER_ARG_ROOM],
			      unsigned n)
{
	unsigned i;

	if (strcmp(arg[0], v->program) != 0)
		return 0;
	for (i = 0; i < VERB_WORDS && v->verb[i]; i++)
		if (i + 1 >= n || strcmp(arg[i + 1], v->verb[i]) != 0)
			return 0;
	return i + 1;
}

static bool words_are_of(const struct manager_verb *v, char (*arg)[MANAGER_ARG_ROOM], unsigned n)
{
	unsigned at = words_of_verb(v, arg, n), taken;

	if (!at)
		return false;
	for (; at < n; at += taken) {
		taken = arg[at][0] == '-' ? words_of_option(v, arg + at, n - at) : 1;
		if (!taken)
			return false;
	}
	return true;
}

bool manager_words_known(char (*arg)[MANAGER_ARG_ROOM], unsigned n)
{
	size_t i;

	for (i = 0; n && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (words_are_of(&verbs[i], arg, n))
			return true;
	return false;
}
