/*
 * client/unlock.c - ccctl unlock: open the vault.
 */
#include <string.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/slots/person.h"
#include "client/slots/slots.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "spec/spec.h"

struct unlock_how {
	int pass_fd;	     /* -1: the terminal */
	enum slot_kind kind; /* SLOT_PASSPHRASE: none was named */
	bool quiet;	     /* --auto: never ask a person */
	bool caller_says; /* --quiet: our caller is a program, and says itself that it stays locked */
	const char *file; /* a keyfile, or NULL */
};

static int unlock_parse(int argc, char **argv, struct unlock_how *h, struct failure *f)
{
	bool first = true;
	int opt, ways = 0;

	*h = (struct unlock_how){ .pass_fd = -1, .kind = SLOT_PASSPHRASE };
	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' || (opt == OPTION_PASSPHRASE_FD &&
				   passphrase_fd_option(optarg, &h->pass_fd, f) != 0))
			return -1;
		if (slot_kind_of_option(opt) != SLOT_PASSPHRASE)
			h->kind = slot_kind_of_option(opt);
		h->quiet = h->quiet || opt == OPTION_AUTO;
		h->caller_says = h->caller_says || opt == OPTION_QUIET;
		ways += opt != OPTION_QUIET;
	}
	if (ways > 1)
		return fail_set(f, FAIL_USAGE, NULL,
				"unlock: --auto, --passphrase-fd, --keyring, --tpm2 and "
				"--keyfile exclude each other");
	if (h->caller_says && !h->quiet)
		return fail_set(f, FAIL_USAGE, NULL, "unlock: --quiet goes with --auto");
	if (h->kind == SLOT_KEYFILE && argc - optind == 1)
		h->file = argv[optind++];
	return require_words(argc, argv, 0, f);
}

static int unlock_by_kind(struct client *c, const struct unlock_how *h, struct failure *f)
{
	if (h->kind == SLOT_KEYFILE)
		return vault_unlock_with_keyfile(c, h->file, f);
	return vault_open_by_kind(c, h->kind, f);
}

/* The exit code, or -1. */
static int unlock(struct client *c, const struct unlock_how *h, struct failure *f)
{
	enum vault_quiet quiet = VAULT_QUIET_NONE;
	bool since_start;

	if (client_connect(c, true, f) != 0)
		return -1;
	since_start = vault_locked_since_start(c);
	if (strcmp(c->state, "none") == 0)
		return vault_fail_none(f);
	if (strcmp(c->state, "unlocked") == 0 && c->asleep == 0) {
		say("already unlocked");
		/* The watcher that was started when it was opened may have died. */
		client_watch(c);
		return EXIT_DONE;
	}
	/* A vault that was locked on purpose is not opened without a person.  Silent:
	 * ccrun, which runs unlock --auto, prints that it is locked. */
	if (h->quiet && !since_start)
		return EXIT_LOCKED;
	if (h->kind != SLOT_PASSPHRASE)
		return unlock_by_kind(c, h, f);
	if (since_start && h->pass_fd < 0)
		quiet = vault_open_quietly(c);
	if (quiet == VAULT_QUIET_OPENED)
		return EXIT_DONE;
	if (h->quiet && (quiet == VAULT_QUIET_FAILED || h->caller_says))
		return EXIT_LOCKED;
	if (h->quiet)
		return fail_set(f, FAIL_LOCKED, "ccctl unlock",
				"no slot opens the vault without a person");
	return person_read_fd(c, h->pass_fd, f) == 0 ? vault_open_typed(c, f) : -1;
}

int verb_unlock(struct client *c, int argc, char **argv, struct failure *f)
{
	struct unlock_how h;

	return unlock_parse(argc, argv, &h, f) == 0 ? unlock(c, &h, f) : -1;
}
