/*
 * client/main.c - ccctl: one table of verbs.
 *
 * MUST, before a verb that handles a secret runs: never from inside a session;
 * fresh, undumpable memory; the reply buffer in locked memory.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "client/common/common.h"
#include "vault/crypto.h"

enum {
	SECRET = 1,  /* handles a secret */
	ANYWHERE = 2 /* inside a session too */
};

static const struct verb {
	const char *name;
	verb_run *run;
	int flags;
	const char *words; /* what may follow it */
	const char *what;
} verbs[] = {
	{ "init", verb_init, SECRET, "[--system] [--passphrase-fd N | --keyring | --keyfile | --tpm2]",
	  "make your vault" },
	{ "unlock", verb_unlock, SECRET,
	  "[--auto | --passphrase-fd N | --keyring | --tpm2 | --keyfile [FILE]]",
	  "open it: by itself what can be, else with a passphrase or a recovery code" },
	{ "lock", verb_lock, 0, "", "close it: wipe every secret from memory" },
	{ "status", verb_status, ANYWHERE, "[-q] [--json]", "who serves the vault, and how well kept" },
	{ "add", verb_add, SECRET,
	  "[--replace] [-t TIME] [--set KEY=VALUE]... [--source REF [--no-check]] [--passphrase-fd N] "
	  "PROVIDER[:MODE] | --key NAME",
	  "store a provider's key (asked for, on standard input, or where it comes from)" },
	{ "list", verb_list, 0, "[--json]", "the providers, and which have their key" },
	{ "keys", verb_keys, 0, "[--json]", "the entries of the vault" },
	{ "get", verb_get, SECRET, "[--reveal] NAME", "write one key to standard output" },
	{ "rm", verb_rm, 0, "[-y] NAME", "remove an entry" },
	{ "rename", verb_rename, 0, "NAME NEW-NAME", "rename an entry" },
	{ "show", verb_show, 0, "[--json] NAME[:MODE]",
	  "what an entry is sealed to, and what would be sent and why" },
	{ "edit", verb_edit, 0, "PROVIDER", "change a provider's file in your editor" },
	{ "approve", verb_approve, 0, "[--yes] NAME", "seal what a provider's files say now" },
	{ "slot", verb_slot, SECRET,
	  "list [--json] | add KIND [--label TEXT] [--new-passphrase-fd N] [--for HOST.pub --out FILE] | rm [-y] ID",
	  "what opens the vault: passphrase, keyring, keyfile, credential, tpm2, recovery" },
	{ "passphrase", verb_passphrase, SECRET, "[--passphrase-fd N] [--new-passphrase-fd N]",
	  "change the passphrase" },
	{ "rekey", verb_rekey, SECRET, "[--passphrase-fd N] [--drop ID]... [--out DIRECTORY]",
	  "another vault key: what a removed slot knew is worthless from then on" },
	{ "host", verb_host, SECRET, "init [--system] | show [--system] [--json] | use FILE",
	  "this host's key pair, for sealed keyfiles" },
	{ "settings", verb_settings, SECRET, "[--json] [KEY=VALUE ...]", "when the vault locks by itself" },
	{ "backup", verb_backup, SECRET, "[--new-passphrase-fd N] FILE", "all keys in one file under a passphrase" },
	{ "restore", verb_restore, SECRET, "[--system] [--replace] [--passphrase-fd N] FILE",
	  "bring a backup back" },
	{ "import", verb_import, SECRET,
	  "[--scrub [--history]] [--yes] [--json] [--passphrase-fd N] [PATH ...]",
	  "keys from shell files, wrapper scripts and settings into the vault" },
	{ "move", verb_move, SECRET, "[--passphrase-fd N] system | user", "the vault into the system broker, and back" },
	{ "login", verb_login, 0, "enable | disable | status [--json]", "have it opened when you log in" },
	{ "link", verb_link, 0, "[--wrap] [--dir DIRECTORY] NAME PROVIDER[:MODE] | [--json]",
	  "make a command of your own for a provider" },
	{ "unlink", verb_unlink, 0, "NAME", "remove one" },
	{ "default", verb_default, 0, "[PROVIDER[:MODE] | --unset]", "what `ccrun` without a provider runs" },
	{ "allow", verb_allow, 0, "[--ask] [DIRECTORY]", "follow the provider that a project's .ccrun names" },
	{ "deny", verb_deny, 0, "[DIRECTORY]", "follow it no longer" },
	{ "statusline", verb_statusline, ANYWHERE,
	  "install [--yes] | remove [--yes] | preview [--width N] [--input FILE]",
	  "the client's status line: into its settings, out again, shown here" },
	{ "log", verb_log, 0, "[-n N] [--verify] [--json]", "who got what, and who was refused" },
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const struct verb *find(const char *name)
{
	unsigned i;

	for (i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static void print_help(FILE *out)
{
	unsigned i;

	fputs("usage: ccctl VERB [...]\n\n", out);
	for (i = 0; i < VERBS; i++)
		fprintf(out, "  %-12s%s\n", verbs[i].name, verbs[i].what);
	fputs("  help        help VERB: its words\n\n"
	      "ccrun runs Claude Code on a provider; ccctl keeps the keys.  man ccctl\n",
	      out);
}

static int print_verb(const struct verb *v)
{
	printf("usage: ccctl %s%s%s\n%s\n", v->name, v->words[0] ? " " : "", v->words, v->what);
	return EXIT_DONE;
}

static int unknown(const char *word)
{
	/* Not shown unless it looks like a verb: it may be a key. */
	if (strlen(word) <= 16 && word[strspn(word, "abcdefghijklmnopqrstuvwxyz-")] == '\0')
		fprintf(stderr, "ccctl: no such verb: %s\n", word);
	else
		fputs("ccctl: no such verb\n", stderr);
	fputs("hint: ccctl --help\n", stderr);
	return EXIT_USAGE;
}

/* --help, --version, help VERB, VERB --help.  -1: none of these. */
static int try_help(int argc, char **argv)
{
	const struct verb *v;
	int i;

	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("ccctl " CCRUN_VERSION);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    (strcmp(argv[1], "help") == 0 && argc == 2)) {
		print_help(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "help") == 0) {
		v = find(argv[2]);
		return v ? print_verb(v) : unknown(argv[2]);
	}
	v = find(argv[1]);
	for (i = 2; v && i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return print_verb(v);
	return v ? -1 : unknown(argv[1]);
}

static int prepare(const struct verb *v, struct failure *f)
{
	umask(077);
	if (!(v->flags & ANYWHERE) && proc_self_marked())
		return fail_set(f, FAIL_MARKED, "run it outside the session, in another terminal",
				"a process inside a session gets nothing");
	if ((v->flags & SECRET) && proc_fresh_memory(true) != 0)
		return fail_errno(f, "detach the debugger", "cannot harden this process");
	return libsodium_start(f);
}

static int run(const struct verb *v, int argc, char **argv)
{
	struct failure f = { 0 };
	struct client c = { .dial.fd = -1 };
	int r = prepare(v, &f);

	if (r == 0)
		r = client_begin(&c, v->flags & SECRET, &f);
	if (r == 0)
		r = v->run(&c, argc, argv, &f);
	client_end(&c);
	if (fflush(stdout) != 0 && r >= 0)
		r = fail_errno(&f, NULL, "write to standard output");
	if (r >= 0)
		return r;
	fail_print("ccctl", &f);
	return fail_exit(&f);
}

int main(int argc, char **argv)
{
	int r;

	if (io_hold_standard_streams() != 0)
		return EXIT_FAILED;
	r = try_help(argc, argv);
	if (r >= 0)
		return r;
	return run(find(argv[1]), argc - 1, argv + 1);
}
