/*
 * client/main.c - ccctl: the table of verbs, help, and starting a verb.
 *
 * MUST, before a verb that handles secrets runs: refuse inside a session; start over
 * in fresh, undumpable memory; have the reply buffer in locked memory.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "client/common/ask.h"
#include "client/common/connection.h"
#include "client/common/terminal_alone.h"
#include "client/verbs.h"
#include "vault/kdf.h"
#include "vault/crypto.h"

/* In the order of ccctl(1): what a new user needs comes first. */
static const struct verb verbs[] = {
	{ "init", verb_init, VERB_SECRET,
	  "[--system | --user] [--passphrase-fd N] [--keyring | --keyfile | --tpm2]",
	  "create your vault, the encrypted file that holds the keys" },
	{ "add", verb_add, VERB_SECRET,
	  "[--replace] [-t TIME] [--set KEY=VALUE]... [--source REF [--no-check]] [--allow "
	  "KEY=VALUE]... [--passphrase-fd "
	  "N] PROVIDER[:MODE] | --key NAME",
	  "store a provider's key: typed, from standard input, or by reference" },
	{ "list", verb_list, 0, "[--json]", "list the providers, and which have their key" },
	{ "models", verb_models, 0, "[--json] PROVIDER[:MODE]",
	  "list the models that a provider's server says it has" },
	{ "status", verb_status, VERB_ANYWHERE, "[-q] [--json]",
	  "is the vault open, and how well is the broker that holds it protected?" },
	{ "unlock", verb_unlock, VERB_SECRET,
	  "[--auto | --passphrase-fd N | --keyring | --tpm2 | --keyfile [FILE]]",
	  "open the vault, with a passphrase if it cannot be opened without one" },
	{ "lock", verb_lock, 0, "", "close the vault: wipe every secret from the broker's memory" },
	{ "sessions", verb_sessions, 0, "[--json] | end ID ... | end --all",
	  "list the running sessions, or take the key from some" },

	{ "import", verb_import, VERB_SECRET,
	  "[--scrub [--history]] [--yes] [--json] [--passphrase-fd N] [PATH ...]",
	  "move keys from shell files, wrapper scripts and settings into the vault" },
	{ "keys", verb_keys, 0, "[--json]", "list the entries of the vault" },
	{ "show", verb_show, 0, "[--json] NAME[:MODE]",
	  "show what an entry is sealed for, and what a provider gives to claude" },
	{ "get", verb_get, VERB_SECRET, "[--reveal] [--passphrase-fd N] NAME",
	  "write one key to standard output" },
	{ "rm", verb_rm, VERB_SECRET, "[-y] [--passphrase-fd N] NAME", "remove an entry" },
	{ "rename", verb_rename, VERB_SECRET, "[--passphrase-fd N] NAME NEW-NAME",
	  "rename an entry" },
	{ "edit", verb_edit, 0, "PROVIDER", "change a provider's file in your editor" },
	{ "approve", verb_approve, VERB_SECRET,
	  "[--yes] [--passphrase-fd N] NAME | --program [NAME]",
	  "seal an entry for what its provider's files say now; accept another program" },

	{ "limit", verb_limit, VERB_SECRET,
	  "[--json] NAME | [--passphrase-fd N] NAME LIMIT... | NAME off",
	  "show or set how much of a key may be used: 5M/day, '$10/day', 200/hour" },
	{ "confirm", verb_confirm, VERB_SECRET,
	  "[--json] | [--passphrase-fd N] [--ask ID] | --deny ID | [--passphrase-fd N] NAME "
	  "[session|first|off]",
	  "say yes to a launch that waits for it, or set whose launches do" },
	{ "spent", verb_spent, 0,
	  "[--by provider|model|project|session|day] [--since DAY] [--json]",
	  "show what was used: requests, tokens, cost" },

	{ "default", verb_default, 0, "[PROVIDER[:MODE] | --unset]",
	  "set the provider that `ccrun` runs when none is given" },
	{ "link", verb_link, 0, "[--wrap] [--dir DIRECTORY] NAME PROVIDER[:MODE] | [--json]",
	  "create a command of your own for a provider" },
	{ "unlink", verb_unlink, 0, "NAME", "remove a command that link created" },
	{ "allow", verb_allow, 0, "[--ask] [DIRECTORY] | --list [--json]",
	  "allow ccrun to use the provider that a project's .ccrun names" },
	{ "deny", verb_deny, 0, "[DIRECTORY]", "withdraw what allow allowed" },
	{ "statusline", verb_statusline, VERB_ANYWHERE,
	  "install [--yes] | remove [--yes] | preview [--width N] [--input FILE]",
	  "set up, remove or preview the status line in Claude Code" },

	{ "passphrase", verb_passphrase, VERB_SECRET, "[--passphrase-fd N] [--new-passphrase-fd N]",
	  "change the passphrase" },
	{ "slot", verb_slot, VERB_SECRET,
	  "list [--json] | add KIND [--passphrase-fd N] [--label TEXT] [--new-passphrase-fd N] "
	  "[--for HOST.pub --out FILE] | rm [-y] [--passphrase-fd N] ID",
	  "ways to open the vault: passphrase, keyring, keyfile, credential, tpm2, recovery" },
	{ "settings", verb_settings, VERB_SECRET, "[--json] [--passphrase-fd N] [KEY=VALUE ...]",
	  "show or change when the vault locks automatically" },
	{ "login", verb_login, 0, "enable | disable | status [--json]",
	  "have the vault opened when you log in" },
	{ "host", verb_host, VERB_SECRET, "init [--system] | show [--system] [--json] | use FILE",
	  "this host's key pair, to which keyfiles are encrypted" },
	{ "rekey", verb_rekey, VERB_SECRET, "[--passphrase-fd N] [--drop ID]... [--out DIRECTORY]",
	  "replace the key that encrypts the vault, so that removed slots cannot open it" },

	{ "backup", verb_backup, VERB_SECRET, "[--passphrase-fd N] [--new-passphrase-fd N] FILE",
	  "write all keys to one file, encrypted with a passphrase" },
	{ "restore", verb_restore, VERB_SECRET,
	  "[--system] [--replace [--vault-passphrase-fd N]] [--passphrase-fd N] FILE",
	  "create the vault from a backup" },
	{ "move", verb_move, VERB_SECRET, "[--passphrase-fd N] system | user",
	  "move the vault to the system broker, or back" },

	{ "log", verb_log, 0, "[-n N] [--verify] [--json]",
	  "print the audit log: keys given out, requests refused, changes" },

	/* ccrun's alone */
	{ "digest", verb_digest, 0, "0|3 [WAS IS]", NULL },
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const struct verb *verb_find(const char *name)
{
	unsigned i;

	for (i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static void help_print(FILE *out)
{
	unsigned i;

	fputs("usage: ccctl VERB [...]\n\n", out);
	for (i = 0; i < VERBS && verbs[i].what; i++)
		fprintf(out, "  %-12s%s\n", verbs[i].name, verbs[i].what);
	fputs("  help        print the arguments of a verb: ccctl help VERB\n\n"
	      "ccrun runs Claude Code on a provider; ccctl manages the keys.  See ccctl(1).\n",
	      out);
}

static int help_print_verb(const struct verb *v)
{
	printf("usage: ccctl %s%s%s\n%s\n", v->name, v->words[0] ? " " : "", v->words,
	       v->what ? v->what : "for ccrun");
	return EXIT_DONE;
}

static int verb_unknown(const char *word)
{
	/* A word that does not look like a verb may be a key: it is not printed. */
	if (strlen(word) <= 16 && word[strspn(word, "abcdefghijklmnopqrstuvwxyz-")] == '\0')
		fprintf(stderr, "ccctl: no such verb: %s\n", word);
	else
		fputs("ccctl: no such verb\n", stderr);
	fputs("hint: ccctl --help\n", stderr);
	return EXIT_USAGE;
}

/* --help, --version, help VERB, VERB --help: the exit code.  -1: none of these. */
static int help_try(int argc, char **argv)
{
	const struct verb *v;
	int i;

	if (argc < 2) {
		help_print(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("ccctl " CCRUN_VERSION);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    (strcmp(argv[1], "help") == 0 && argc == 2)) {
		help_print(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "help") == 0) {
		v = verb_find(argv[2]);
		return v ? help_print_verb(v) : verb_unknown(argv[2]);
	}
	v = verb_find(argv[1]);
	for (i = 2; v && i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return help_print_verb(v);
	return v ? -1 : verb_unknown(argv[1]);
}

static int verb_prepare(const struct verb *v, struct failure *f)
{
	umask(077);
	if (!(v->flags & VERB_ANYWHERE) && proc_self_marked())
		return client_refuse_marked(f);
	if (v->flags & VERB_SECRET)
		terminal_guard();
	if ((v->flags & VERB_SECRET) && proc_fork_hardened(true) != 0)
		return fail_errno(f, "detach the debugger", "cannot harden this process");
	return libsodium_start(f);
}

static int verb_run_one(const struct verb *v, int argc, char **argv)
{
	struct failure f = { 0 };
	struct client c = { .dial.fd = -1 };
	int r = verb_prepare(v, &f);

	if (r == 0)
		r = client_begin(&c, v->flags & VERB_SECRET, &f);
	if (r == 0)
		r = v->run(&c, argc, argv, &f);
	client_end(&c);
	if (fflush(stdout) != 0 && r >= 0)
		r = fail_errno(&f, NULL, "write to standard output");
	if (r >= 0)
		return r;
	fail_print("ccctl", &f);
	return fail_exit_code(&f);
}

int main(int argc, char **argv)
{
	int r;

	if (io_open_standard_streams() != 0)
		return EXIT_FAILED;
	r = help_try(argc, argv);
	if (r >= 0)
		return r;
	ask_note_purpose(argc, argv);
	return verb_run_one(verb_find(argv[1]), argc - 1, argv + 1);
}
