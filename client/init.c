/*
 * client/init.c - ccctl init: make the vault.
 */
#include "base/fail.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/slots/slot_add.h"
#include "client/slots/slot_make.h"
#include "client/slots/slots.h"
#include "client/slots/vault_make.h"
#include "client/verbs.h"
#include "spec/spec.h"
#include "vault/slot.h"

static int init_add_slot(struct client *c, enum slot_kind kind, struct failure *f)
{
	struct new_slot s = { .pass_fd = -1 };

	if (slot_add(c, kind, &s, f) == 0)
		return 0;
	say("note: the vault was made, and its passphrase opens it; later: ccctl slot add %s",
	    slot_kind_name(kind));
	return -1;
}

int verb_init(struct client *c, int argc, char **argv, struct failure *f)
{
	enum slot_kind kind = SLOT_PASSPHRASE;
	bool first = true, system = false, user = false;
	int opt, pass_fd = -1, ways = 0;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' ||
		    (opt == OPTION_PASSPHRASE_FD && passphrase_fd_option(optarg, &pass_fd, f) != 0))
			return -1;
		if (slot_kind_of_option(opt) != SLOT_PASSPHRASE) {
			kind = slot_kind_of_option(opt);
			ways++;
		}
		system = system || opt == OPTION_SYSTEM;
		user = user || opt == OPTION_USER;
	}
	if (ways > 1)
		return fail_set(f, FAIL_USAGE, "ccctl slot add KIND adds another",
				"init: --keyring, --keyfile and --tpm2 exclude each other");
	if (system && user)
		return fail_set(f, FAIL_USAGE, NULL,
				"init: --system and --user exclude each other");
	if (require_words(argc, argv, 0, f) != 0 || vault_make(c, pass_fd,
							       system ? DIAL_SYSTEM
							       : user ? DIAL_USER
								      : DIAL_ANY,
							       f) != 0)
		return -1;
	return kind == SLOT_PASSPHRASE || init_add_slot(c, kind, f) == 0 ? EXIT_DONE : -1;
}
