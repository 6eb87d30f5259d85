/*
 * client/main.c - ccctl: the table of verbs, help, and starting a verb.
 *
 * MUST, before a verb that handles secrets runs: refuse inside a session; start over
 * in fresh, undumpable memory; have the reply buffer in locked memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "client/common/ask.h"
#include "client/common/connection.h"
#include "client/common/terminal_alone.h"
#include "client/next.h"
#include "client/verbs.h"
#include "config/ini/nearest.h"
#include "config/provider/names.h"
#include "spec/spec.h"
#include "vault/kdf.h"
#include "vault/crypto.h"

/* What runs each of the verbs of spec/verbs.c. */
static const struct {
	const char *name;
	verb_run *run;
} verbs[] = {
	{ "init", verb_init },
	{ "add", verb_add },
	{ "list", verb_list },
	{ "models", verb_models },
	{ "test", verb_test },
	{ "status", verb_status },
	{ "doctor", verb_doctor },
	{ "unlock", verb_unlock },
	{ "lock", verb_lock },
	{ "sessions", verb_sessions },
	{ "import", verb_import },
	{ "keys", verb_keys },
	{ "show", verb_show },
	{ "get", verb_get },
	{ "rm", verb_rm },
	{ "rename", verb_rename },
	{ "edit", verb_edit },
	{ "approve", verb_approve },
	{ "limit", verb_limit },
	{ "confirm", verb_confirm },
	{ "spent", verb_spent },
	{ "default", verb_default },
	{ "link", verb_link },
	{ "unlink", verb_unlink },
	{ "allow", verb_allow },
	{ "deny", verb_deny },
	{ "statusline", verb_statusline },
	{ "passphrase", verb_passphrase },
	{ "slot", verb_slot },
	{ "settings", verb_settings },
	{ "login", verb_login },
	{ "host", verb_host },
	{ "rekey", verb_rekey },
	{ "backup", verb_backup },
	{ "restore", verb_restore },
	{ "move", verb_move },
	{ "log", verb_log },
	{ "complete", verb_complete },
	{ "digest", verb_digest },
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static verb_run *verb_find_run(const char *name)
{
	unsigned i;

	for (i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return verbs[i].run;
	return NULL;
}

#define WHAT_COLUMN 14 /* where --help says what a verb does */

static void help_print(FILE *out)
{
	const struct verb_spec *v;

	spec_print_forms(out, "ccctl", NULL, spec_ccctl.forms);
	putc('\n', out);
	for (v = spec_verbs; v->name; v++) {
		if (!v->what)
			continue;
		fprintf(out, "  %-*s", WHAT_COLUMN - 2, v->name);
		spec_print_wrapped(out, v->what, WHAT_COLUMN, WHAT_COLUMN);
	}
	fputs("\nccrun runs Claude Code on a provider; ccctl manages the keys.  See ccctl(1).\n",
	      out);
}

static int help_print_verb(const struct verb_spec *v)
{
	spec_print_forms(stdout, "ccctl", v->name, v->forms);
	putchar('\n');
	spec_print_wrapped(stdout, v->what ? v->what : "for ccrun", 0, 0);
	if (v->options[0].name || v->options[0].letter)
		putchar('\n');
	spec_print_options(stdout, v->options);
	return EXIT_DONE;
}

static bool is_provider(const char *word)
{
	struct failure f = { 0 };
	char **names;
	unsigned i, n;
	bool found = false;

	if (provider_names(&names, &n, &f) != 0)
		return false;
	for (i = 0; i < n; i++) {
		found = found || strcmp(names[i], word) == 0;
		free(names[i]);
	}
	free(names);
	return found;
}

/* The verb that was meant, or NULL. */
static const char *verb_nearest(const char *word)
{
	const char *names[VERBS + 1];
	const struct verb_spec *v;
	unsigned n = 0;

	for (v = spec_verbs; v->name && n < VERBS + 1; v++)
		if (v->what)
			names[n++] = v->name;
	return nearest_word(word, names, n);
}

static int verb_unknown(const char *word)
{
	const char *near = verb_nearest(word);

	/* A word that does not look like a verb may be a key: it is not printed. */
	if (strlen(word) <= 16 && word[strspn(word, "abcdefghijklmnopqrstuvwxyz-")] == '\0')
		fprintf(stderr, "ccctl: no such verb: %s\n", word);
	else
		fputs("ccctl: no such verb\n", stderr);
	if (is_provider(word))
		fprintf(stderr, "hint: ccrun %s\n", word);
	else if (near)
		fprintf(stderr, "hint: did you mean ccctl %s?\n", near);
	else
		fputs("hint: ccctl --help\n", stderr);
	return EXIT_USAGE;
}

/* `ccctl` alone: what is next. */
static int next_say(void)
{
	struct client c = { .dial.fd = -1 };
	struct failure f = { 0 };

	/* A session's programs are told what they may do. */
	if (proc_self_marked() || client_begin(&c, false, &f) != 0)
		help_print(stdout);
	else
		next_print(&c);
	client_end(&c);
	return EXIT_DONE;
}

/* --help, --version, help VERB, VERB --help: the exit code.  -1: none of these. */
static int help_try(int argc, char **argv)
{
	const struct verb_spec *v;
	int i;

	if (argc < 2)
		return next_say();
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
		v = verb_spec_find(argv[2]);
		return v ? help_print_verb(v) : verb_unknown(argv[2]);
	}
	v = verb_spec_find(argv[1]);
	for (i = 2; v && i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return help_print_verb(v);
	return v ? -1 : verb_unknown(argv[1]);
}

static int verb_prepare(const struct verb_spec *v, struct failure *f)
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

static int verb_run_one(const struct verb_spec *v, int argc, char **argv)
{
	verb_run *run = verb_find_run(v->name);
	struct failure f = { 0 };
	struct client c = { .dial.fd = -1 };
	int r = verb_prepare(v, &f);

	if (r == 0)
		r = client_begin(&c, v->flags & VERB_SECRET, &f);
	if (r == 0)
		r = run ? run(&c, argc, argv, &f)
			: fail_set(&f, FAIL_INTERNAL, NULL, "%s: nothing runs it", v->name);
	client_end(&c);
	if (io_flush(stdout) != 0 && r >= 0)
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
	return verb_run_one(verb_spec_find(argv[1]), argc - 1, argv + 1);
}
