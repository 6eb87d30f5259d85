/*
 * client/init.c - ccctl init: make the vault.
 */
#include "base/fail.h"
#include "client/common/options.h"
#include "client/slots/vault_make.h"
#include "client/verbs.h"
#include "vault/slot.h"

/* OPT_KIND + a slot's kind: what opens the new vault. */
enum { OPT_FD = 256, OPT_SYSTEM, OPT_KIND };

static const struct option init_options[] = {
	{ "passphrase-fd", required_argument, NULL, OPT_FD },
	{ "keyring", no_argument, NULL, OPT_KIND + SLOT_KEYRING },
	{ "keyfile", no_argument, NULL, OPT_KIND + SLOT_KEYFILE },
	{ "tpm2", no_argument, NULL, OPT_KIND + SLOT_TPM2 },
	{ "system", no_argument, NULL, OPT_SYSTEM },
	{ NULL, 0, NULL, 0 },
};

int verb_init(struct client *c, int argc, char **argv, struct failure *f)
{
	enum slot_kind kind = SLOT_PASSPHRASE;
	bool first = true, system = false;
	int opt, pass_fd = -1, ways = 0;

	while ((opt = next_option(&first, argc, argv, ":", init_options, f)) != -1) {
		if (opt == '?' || (opt == OPT_FD && passphrase_fd_option(optarg, &pass_fd, f) != 0))
			return -1;
		if (opt >= OPT_KIND)
			kind = (enum slot_kind)(opt - OPT_KIND);
		system = system || opt == OPT_SYSTEM;
		ways += opt != OPT_SYSTEM;
	}
	if (ways > 1)
		return fail_set(f, FAIL_USAGE, NULL,
				"init: --passphrase-fd, --keyring, --keyfile and "
				"--tpm2 exclude each other");
	if (require_words(argc, argv, 0, f) != 0 || vault_make(c, kind, pass_fd, system, f) != 0)
		return -1;
	return EXIT_DONE;
}
