/*
 * import/main.c - ccrun-import, which `ccctl import` runs: keys from where people
 * keep them today into the vault, and then out of those files.
 *
 * MUST: fresh, undumpable memory before a file is read; never from inside a
 * session; no file loses a key before the vault has it on its disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/proc.h"
#include "base/progress.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "import/accounts.h"
#include "import/find_files.h"
#include "import/import_cage.h"
#include "import/leftovers.h"
#include "import/match_provider.h"
#include "import/open_vault.h"
#include "import/outside.h"
#include "import/provider_file.h"
#include "import/report.h"
#include "import/scrub.h"
#include "import/settings_keys.h"
#include "import/vault_entries.h"
#include "spec/spec.h"
#include "vault/kdf.h"
#include "vault/crypto.h"

static int import_parse_options(struct import *im, int argc, char **argv, int *pass_fd,
				struct failure *f)
{
	bool first = true;
	int opt;

	*pass_fd = -1;
	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?')
			return -1;
		if (opt == OPTION_PASSPHRASE_FD && passphrase_fd_option(optarg, pass_fd, f) != 0)
			return -1;
		im->scrub = im->scrub || opt == OPTION_SCRUB;
		im->json = im->json || opt == OPTION_JSON;
		im->history = im->history || opt == OPTION_HISTORY;
		im->yes = im->yes || opt == OPTION_YES;
	}
	if (im->history && !im->scrub)
		return fail_set(f, FAIL_USAGE, "ccctl import --scrub --history",
				"--history goes with --scrub");
	im->asks = !im->yes && !im->json && terminal_asks();
	return 0;
}

/* Nothing is to be stored: ask the vault if it is open, and leave it closed if not. */
static void vault_peek(struct import *im)
{
	im->open = client_connect(im->c, false, NULL) == 0 && strcmp(im->c->state, "unlocked") == 0;
}

static bool anything_to_import(const struct import *im)
{
	unsigned i;

	for (i = 0; i < im->accounts; i++)
		if (im->account[i].kind == ACCOUNT_TOKEN || im->account[i].kind == ACCOUNT_SOURCE)
			return true;
	return false;
}

/* 0, -1, or the exit code of the ccctl that has said why the vault stays closed. */
static int vault_reach(struct import *im, int pass_fd, struct failure *f)
{
	int r;

	if (!anything_to_import(im) || !(im->yes || im->asks)) {
		vault_peek(im);
		return 0;
	}
	r = open_vault(im->c, pass_fd >= 0, f);
	im->open = r == 0;
	return r;
}

static bool account_to_store(const struct import *im, unsigned i)
{
	const struct account *a = &im->account[i];

	return a->twin == i && (a->state == STATE_NEW || a->state == STATE_OTHER);
}

/* One question for all that is new, one for each that gets another name. */
static int ask_what_to_store(struct import *im, struct failure *f)
{
	char question[300];
	unsigned i, fresh = 0;
	bool yes = true, renamed = false;

	if (im->yes)
		return 0;
	for (i = 0; i < im->accounts; i++) {
		fresh += account_to_store(im, i) && im->account[i].state == STATE_NEW;
		renamed =
			renamed || (account_to_store(im, i) && im->account[i].state == STATE_OTHER);
	}
	snprintf(question, sizeof(question), "store %u %s%s in the vault?", fresh,
		 renamed ? "new " : "", fresh == 1 ? "key" : "keys");
	if (fresh && terminal_yes(question, &yes, f) != 0)
		return -1;
	for (i = 0; i < im->accounts; i++) {
		struct account *a = &im->account[i];
		bool this = yes;

		if (!account_to_store(im, i))
			continue;
		snprintf(question, sizeof(question),
			 "%s has another key already: store this one as '%s'?", a->parent,
			 a->entry);
		if (a->state == STATE_OTHER && terminal_yes(question, &this, f) != 0)
			return -1;
		if (!this)
			a->state = STATE_LEFT;
	}
	return 0;
}

static int account_store(struct import *im, struct account *a)
{
	struct failure why = { 0 };

	memset(&a->why, 0, sizeof(a->why));
	if (provider_file_write(im, a, &why) != 0) {
		if (a->fresh || a->parent[0]) {
			a->why = why;
			return -1;
		}
		/* The token can be stored all the same; models and times can be written by hand. */
		say("%s: its settings were not taken over: %s", a->provider, why.what);
	}
	if (vault_entries_store(im, a, &a->why) == 0)
		return 0;
	provider_file_take_back(im, a);
	return -1;
}

static int accounts_store(struct import *im)
{
	unsigned i;
	int r = 0;

	for (i = 0; i < im->accounts; i++) {
		struct account *a = &im->account[i];

		if (account_to_store(im, i)) {
			a->state = account_store(im, a) == 0 ? STATE_STORED : STATE_FAILED;
			r = a->state == STATE_STORED ? r : -1;
		} else if (a->twin != i) {
			a->state = im->account[a->twin].state;
			/* Another file may have another model for the same token. */
			if (account_in_vault(a))
				provider_file_write(im, a, NULL);
		}
	}
	return r;
}

/* Histories and records may be large. */
static int import_find_leftovers(struct import *im, struct failure *f)
{
	struct progress waits;
	int r;

	progress_begin(&waits, "ccctl", "looking for what is left of the keys elsewhere");
	r = leftovers_find(im, f);
	progress_end(&waits);
	return r;
}

/* Ask, store, scrub, report.  -1 also when only some could be done. */
static int import_act(struct import *im, struct failure *f)
{
	int r;

	if (ask_what_to_store(im, f) != 0)
		return -1;
	/* The connection may have idled while a question was open. */
	if (im->asks && outside_connect(im->c, f) != 0)
		return -1;
	r = accounts_store(im);
	if (im->scrub && scrub_files(im, f) != 0)
		r = -1;
	if (import_find_leftovers(im, f) != 0)
		return -1;
	if (im->history)
		leftovers_wipe(im);
	if (!im->json)
		report_done(im);
	return r;
}

/* Everything that only reads.  0, -1, or the exit code of a ccctl that failed. */
static int import_look(struct import *im, char **word, int words, int pass_fd, struct failure *f)
{
	struct progress waits;
	int r;

	/* From here on files are read that others wrote. */
	if (path_home(im->home, f) != 0 || outside_begin(pass_fd, f) != 0 ||
	    import_cage_enter(im, word, words, f) != 0)
		return -1;
	progress_begin(&waits, "ccctl", "looking for keys in your files");
	r = find_files(im, word, words, f) == 0 && accounts_collect(im, f) == 0 ? 0 : -1;
	progress_end(&waits);
	if (r != 0)
		return -1;
	settings_drop_keys(im);
	if (match_accounts(im, f) != 0)
		return -1;
	r = vault_reach(im, pass_fd, f);
	return r != 0 ? r : vault_entries_compare(im, f);
}

/* The exit code, or -1. */
static int import_run(struct import *im, int argc, char **argv, struct failure *f)
{
	bool goes;
	int pass_fd, r;

	if (import_parse_options(im, argc, argv, &pass_fd, f) != 0)
		return -1;
	r = import_look(im, argv + optind, argc - optind, pass_fd, f);
	if (r != 0)
		return r;
	goes = anything_to_import(im) && (im->yes || im->asks);
	if (!im->json)
		report_found(im);
	if (goes)
		r = import_act(im, f);
	else if (import_find_leftovers(im, f) != 0)
		return -1;
	if (im->json && report_json(im, f) != 0)
		return -1;
	if (!goes && anything_to_import(im) && !im->json) {
		report_done(im);
		say("nothing was changed; ccctl import --yes stores them, --scrub --yes takes them "
		    "out of the files");
	}
	if (r != 0 && f->code == FAIL_NONE)
		fail_set(f, FAIL_SYSTEM, "each is named above", "not all could be done");
	return r == 0 ? EXIT_DONE : -1;
}

/* The exit code, or -1. */
static int import_from(struct client *c, int argc, char **argv, struct failure *f)
{
	struct import *im = calloc(1, sizeof(*im));
	int r = -1;

	if (im) {
		im->c = c;
		im->file = calloc(FILES_MAX, sizeof(*im->file));
		im->account = calloc(ACCOUNTS_MAX, sizeof(*im->account));
	}
	if (im && im->file && im->account)
		r = import_run(im, argc, argv, f);
	else
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	if (im) {
		if (im->file && im->account)
			accounts_free(im);
		free(im->file);
		free(im->account);
		free(im->known);
		free(im->entry);
		free(im->left);
	}
	free(im);
	return r;
}

static int import_harden(struct failure *f)
{
	umask(077);
	if (proc_self_marked())
		return client_refuse_marked(f);
	if (proc_fork_hardened(true) != 0)
		return fail_errno(f, "detach the debugger", "cannot harden this process");
	return libsodium_start(f);
}

int main(int argc, char **argv)
{
	static char verb[] = "import";
	struct failure f = { 0 };
	struct client c = { .dial.fd = -1 };
	int r;

	if (io_open_standard_streams() != 0 || argc < 1)
		return EXIT_FAILED;
	/* What a message about an option calls us: ccctl help import. */
	argv[0] = verb;
	r = import_harden(&f);
	if (r == 0)
		r = client_begin(&c, true, &f);
	if (r == 0)
		r = import_from(&c, argc, argv, &f);
	client_end(&c);
	if (io_flush(stdout) != 0 && r >= 0)
		r = fail_errno(&f, NULL, "write to standard output");
	if (r >= 0)
		return r;
	fail_print("ccctl", &f);
	return fail_exit_code(&f);
}
