/*
 * spec/verbs.c - the verbs of ccctl and their options.
 */
#include <stddef.h>
#include <string.h>

#include "spec/spec.h"

/* What several verbs have. */
#define JSON                                                     \
	{                                                        \
		OPTION_JSON, "json", 0, NULL, "print it as JSON" \
	}
#define YES                                                \
	{                                                  \
		OPTION_YES, "yes", 'y', NULL, "do not ask" \
	}
#define PASSPHRASE_FD                                           \
	{                                                       \
		OPTION_PASSPHRASE_FD, "passphrase-fd", 0, "N",  \
			"read the passphrase from descriptor N" \
	}
#define NEW_PASSPHRASE_FD                                              \
	{                                                              \
		OPTION_NEW_PASSPHRASE_FD, "new-passphrase-fd", 0, "N", \
			"read the new passphrase from descriptor N"    \
	}

const struct verb_spec spec_verbs[] = {
	/* What a new user needs comes first. */
	{ "init",
	  VERB_SECRET,
	  "create your vault, the encrypted file that holds the keys",
	  { "[--system | --user] [--passphrase-fd N] [--keyring | --keyfile | --tpm2]" },
	  { { OPTION_SYSTEM, "system", 0, NULL, "in the system broker, or not at all" },
	    { OPTION_USER, "user", 0, NULL, "in your own broker" },
	    PASSPHRASE_FD,
	    { OPTION_KEYRING, "keyring", 0, NULL, "have the desktop's keyring open it, too" },
	    { OPTION_KEYFILE, "keyfile", 0, NULL, "have a file of this host open it, too" },
	    { OPTION_TPM2, "tpm2", 0, NULL, "have this machine's TPM open it, too" } } },
	{ "add",
	  VERB_SECRET,
	  "store a provider's key: typed, from standard input, or by reference",
	  { "[--replace] [-t TIME] [--set PARAMETER=VALUE]... [--source REFERENCE [--no-check]]... "
	    "[--allow KEY=VALUE]... [--passphrase-fd N] PROVIDER[:MODE]",
	    "--key [--replace] [-t TIME] [--source REFERENCE [--no-check]] [--allow KEY=VALUE]... "
	    "[--passphrase-fd N] NAME" },
	  { { OPTION_REPLACE, "replace", 0, NULL, "replace the key that is there" },
	    { OPTION_TTL, NULL, 't', "TIME", "how long the key may stay in memory" },
	    { OPTION_SET, "set", 0, "PARAMETER=VALUE", "set a parameter of the provider" },
	    { OPTION_SOURCE, "source", 0, "REFERENCE",
	      "where another password manager has the key" },
	    { OPTION_NO_CHECK, "no-check", 0, NULL, "do not fetch it from there now" },
	    { OPTION_ALLOW, "allow", 0, "KEY=VALUE",
	      "accept what the provider's files allow beyond the usual" },
	    PASSPHRASE_FD,
	    { OPTION_KEY, "key", 0, NULL, "a key that belongs to no provider yet" } } },
	{ "list", 0, "list the providers, and which have their key", { "[--json]" }, { JSON } },
	{ "models",
	  0,
	  "list the models that a provider's server says it has",
	  { "[--json] PROVIDER[:MODE]" },
	  { JSON } },
	{ "test",
	  0,
	  "try a provider with one small request, and say what came of it",
	  { "[--model MODEL] [--wait SECONDS] [--json] PROVIDER[:MODE]" },
	  { { OPTION_MODEL, "model", 0, "MODEL", "ask this model" },
	    { OPTION_WAIT, "wait", 0, "SECONDS", "wait so long for the answer, in place of 60" },
	    JSON } },
	{ "status",
	  VERB_ANYWHERE,
	  "is the vault open, and how well is the broker that holds it protected?",
	  { "[-q] [--json]" },
	  { { OPTION_QUIET, "quiet", 'q', NULL, "print nothing: the exit status says it" },
	    JSON } },
	{ "doctor",
	  VERB_ANYWHERE,
	  "look for what is wrong on this machine, and say how it is mended",
	  { "[--json]" },
	  { JSON } },
	{ "unlock",
	  VERB_SECRET,
	  "open the vault, with a passphrase if it cannot be opened without one",
	  { "[--auto | --passphrase-fd N | --keyring | --tpm2 | --keyfile [FILE]]" },
	  { { OPTION_AUTO, "auto", 0, NULL, "only by what needs no person" },
	    PASSPHRASE_FD,
	    { OPTION_KEYRING, "keyring", 0, NULL, "by the desktop's keyring" },
	    { OPTION_TPM2, "tpm2", 0, NULL, "by this machine's TPM" },
	    { OPTION_KEYFILE, "keyfile", 0, "[FILE]", "by the broker's keyfile, or by FILE" },
	    /* ccrun-import's: the caller says itself that it stays locked. */
	    { OPTION_QUIET, "quiet", 0, NULL, NULL } } },
	{ "lock",
	  0,
	  "close the vault: wipe every secret from the broker's memory",
	  { "" },
	  { { 0 } } },
	{ "sessions",
	  0,
	  "list the running sessions, or take the key from some",
	  { "[--json]", "end SESSION ...", "end --all" },
	  { JSON, { OPTION_ALL, "all", 0, NULL, "take it from every session" } } },
	{ "help",
	  VERB_ANYWHERE,
	  "print the options of a verb, one a line",
	  { "[VERB]" },
	  { { 0 } } },

	{ "import",
	  VERB_SECRET,
	  "move keys from shell files, wrapper scripts and settings into the vault",
	  { "[--scrub [--history]] [--yes] [--json] [--passphrase-fd N] [PATH ...]" },
	  { { OPTION_SCRUB, "scrub", 0, NULL, "take what is stored out of the files" },
	    { OPTION_HISTORY, "history", 0, NULL, "overwrite it in histories and records, too" },
	    YES,
	    JSON,
	    PASSPHRASE_FD } },
	{ "keys", 0, "list the entries of the vault", { "[--json]" }, { JSON } },
	{ "show",
	  0,
	  "show what an entry is sealed for, and what a provider gives to claude",
	  { "[--json] NAME[:MODE]" },
	  { JSON } },
	{ "get",
	  VERB_SECRET,
	  "write one key to standard output",
	  { "[--reveal] [--passphrase-fd N] NAME" },
	  { { OPTION_REVEAL, "reveal", 0, NULL, "on a terminal, too" }, PASSPHRASE_FD } },
	{ "rm",
	  VERB_SECRET,
	  "remove an entry",
	  { "[-y] [--passphrase-fd N] NAME" },
	  { YES, PASSPHRASE_FD } },
	{ "rename",
	  VERB_SECRET,
	  "rename an entry",
	  { "[--passphrase-fd N] NAME NEW-NAME" },
	  { PASSPHRASE_FD } },
	{ "edit", 0, "change a provider's file in your editor", { "PROVIDER" }, { { 0 } } },
	{ "approve",
	  VERB_SECRET,
	  "seal an entry for what its provider's files say now; accept another program",
	  { "[--yes] [--passphrase-fd N] NAME[:MODE]",
	    "--program [--yes] [--passphrase-fd N] [PROGRAM]" },
	  { YES,
	    PASSPHRASE_FD,
	    { OPTION_PROGRAM, "program", 0, NULL, "accept the program that is found next" } } },

	{ "limit",
	  VERB_SECRET,
	  "show or set how much of a key may be used: 5M/day, '$10/day', 200/hour",
	  { "[--json] NAME", "[--passphrase-fd N] NAME LIMIT ...", "[--passphrase-fd N] NAME off" },
	  { JSON, PASSPHRASE_FD } },
	{ "confirm",
	  VERB_SECRET,
	  "say yes to a launch that waits for it, or set whose launches do",
	  { "[--json]", "[--passphrase-fd N] [--ask LAUNCH]", "--deny LAUNCH",
	    "[--passphrase-fd N] NAME [session|first|off]" },
	  { JSON,
	    PASSPHRASE_FD,
	    { OPTION_ASK, "ask", 0, "LAUNCH", "this one of those that wait" },
	    { OPTION_DENY, "deny", 0, "LAUNCH", "say no" } } },
	{ "spent",
	  0,
	  "show what was used: requests, tokens, cost",
	  { "[--by provider|model|project|session|day] [--since DAY] [--json]" },
	  { { OPTION_BY, "by", 0, "provider|model|project|session|day", "what to add up by" },
	    { OPTION_SINCE, "since", 0, "DAY", "from then on: today, 2026-11-28, 7d" },
	    JSON } },

	{ "default",
	  0,
	  "set the provider that `ccrun` runs when none is given",
	  { "[PROVIDER[:MODE] | --unset]" },
	  { { OPTION_UNSET, "unset", 0, NULL, "have none" } } },
	{ "link",
	  0,
	  "create a command of your own for a provider",
	  { "[--wrap] [--dir DIRECTORY] COMMAND PROVIDER[:MODE]", "[--json]" },
	  { { OPTION_WRAP, "wrap", 0, NULL, "its first argument is the program to run" },
	    { OPTION_DIR, "dir", 0, "DIRECTORY", "where to put it" },
	    JSON } },
	{ "unlink", 0, "remove a command that link created", { "LINK" }, { { 0 } } },
	{ "allow",
	  0,
	  "allow ccrun to use the provider that a project's .ccrun names",
	  { "[--ask] [DIRECTORY]", "--list [--json]" },
	  { { OPTION_ASK, "ask", 0, NULL, "show what it says, and ask" },
	    { OPTION_LIST, "list", 0, NULL, "list what is allowed" },
	    JSON } },
	{ "deny", 0, "withdraw what allow allowed", { "[DIRECTORY]" }, { { 0 } } },
	{ "statusline",
	  VERB_ANYWHERE,
	  "set up, remove or preview the status line in Claude Code",
	  { "install [--yes]", "remove [--yes]", "preview [--width N] [--input FILE]" },
	  { YES,
	    { OPTION_WIDTH, "width", 0, "N", "for a terminal of N columns" },
	    { OPTION_INPUT, "input", 0, "FILE", "with this input; -: standard input" } } },

	{ "passphrase",
	  VERB_SECRET,
	  "change the passphrase",
	  { "[--passphrase-fd N] [--new-passphrase-fd N]" },
	  { PASSPHRASE_FD, NEW_PASSPHRASE_FD } },
	{ "slot",
	  VERB_SECRET,
	  "ways to open the vault: passphrase, keyring, keyfile, credential, tpm2, recovery",
	  { "[list] [--json]",
	    "add [--passphrase-fd N] [--label TEXT] [--new-passphrase-fd N] "
	    "[--for HOST.pub] [--out FILE] KIND",
	    "rm [-y] [--passphrase-fd N] SLOT" },
	  { JSON,
	    PASSPHRASE_FD,
	    { OPTION_LABEL, "label", 0, "TEXT", "what the list calls it" },
	    NEW_PASSPHRASE_FD,
	    { OPTION_FOR, "for", 0, "HOST.pub", "a keyfile for this other host" },
	    { OPTION_OUT, "out", 0, "FILE", "the new file for it, or for a credential" },
	    YES } },
	{ "settings",
	  VERB_SECRET,
	  "show or change when the vault locks automatically",
	  { "[--json] [--passphrase-fd N] [SETTING=VALUE ...]" },
	  { JSON, PASSPHRASE_FD } },
	{ "login",
	  0,
	  "have the vault opened when you log in",
	  { "enable", "disable", "status [--json]" },
	  { JSON } },
	{ "host",
	  VERB_SECRET,
	  "this host's key pair, to which keyfiles are encrypted",
	  { "init [--system]", "show [--system] [--json]", "use FILE" },
	  { { OPTION_SYSTEM, "system", 0, NULL, "the system broker's" }, JSON } },
	{ "rekey",
	  VERB_SECRET,
	  "replace the key that encrypts the vault, so that removed slots cannot open it",
	  { "[--passphrase-fd N] [--drop SLOT]... [--out DIRECTORY]" },
	  { PASSPHRASE_FD,
	    { OPTION_DROP, "drop", 0, "SLOT", "give this slot up, if it cannot be kept" },
	    { OPTION_OUT, "out", 0, "DIRECTORY", "for new keyfiles and credentials" } } },

	{ "backup",
	  VERB_SECRET,
	  "write all keys to one file, encrypted with a passphrase",
	  { "[--passphrase-fd N] [--new-passphrase-fd N] FILE" },
	  { PASSPHRASE_FD, NEW_PASSPHRASE_FD } },
	{ "restore",
	  VERB_SECRET,
	  "create the vault from a backup",
	  { "[--system] [--replace [--vault-passphrase-fd N]] [--passphrase-fd N] FILE" },
	  { { OPTION_SYSTEM, "system", 0, NULL, "in the system broker" },
	    { OPTION_REPLACE, "replace", 0, NULL, "replace the vault that is there" },
	    { OPTION_VAULT_PASSPHRASE_FD, "vault-passphrase-fd", 0, "N",
	      "read the passphrase of that vault from descriptor N" },
	    { OPTION_PASSPHRASE_FD, "passphrase-fd", 0, "N",
	      "read the passphrase of the backup from descriptor N" } } },
	{ "move",
	  VERB_SECRET,
	  "move the vault to the system broker, or back",
	  { "[--passphrase-fd N] system|user" },
	  { PASSPHRASE_FD } },

	{ "log",
	  0,
	  "print the audit log: keys given out, requests refused, changes",
	  { "[-n N] [--verify] [--json]" },
	  { { OPTION_LINES, NULL, 'n', "N", "print the last N lines" },
	    { OPTION_VERIFY, "verify", 0, NULL, "check the whole of it, and print no lines" },
	    JSON } },

	/* The shells': words on standard input, each with a NUL, the last one unfinished. */
	{ "complete", VERB_ANYWHERE, NULL, { "PROGRAM" }, { { 0 } } },
	/* ccrun's alone */
	{ "digest", 0, NULL, { "0|3 [WAS IS]" }, { { 0 } } },

	{ NULL, 0, NULL, { NULL }, { { 0 } } },
};

const struct program_spec spec_ccctl = {
	"ccctl",
	{ "VERB [WORD ...]", "--help | --version" },
	{ { OPTION_HELP, "help", 'h', NULL, "print the verbs, or the options of one" },
	  { OPTION_VERSION, "version", 0, NULL, "print the version" } },
};

const struct verb_spec *verb_spec_find(const char *name)
{
	const struct verb_spec *v;

	for (v = spec_verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}
