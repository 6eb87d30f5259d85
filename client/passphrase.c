/*
 * client/passphrase.c - ccctl passphrase: change the passphrase.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/slots/person.h"
#include "client/slots/slot_make.h"
#include "client/slots/slots.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "spec/spec.h"
#include "vault/slot.h"

static struct slots all; /* several pages: not on the stack */

int verb_passphrase(struct client *c, int argc, char **argv, struct failure *f)
{
	struct new_slot s = { .pass_fd = -1 };
	const struct slot_view *old;
	char label[SLOT_LABEL_MAX + 1];
	bool first = true;
	uint32_t id;
	int opt, fd = -1, r = -1;

	while ((opt = next_option(&first, argc, argv, f)) != -1)
		if (opt == '?' ||
		    passphrase_fd_option(optarg, opt == OPTION_PASSPHRASE_FD ? &fd : &s.pass_fd,
					 f) != 0)
			return -1;
	/* The old passphrase also opens a locked vault. */
	if (require_words(argc, argv, 0, f) != 0 || person_read_fd(c, fd, f) != 0 ||
	    vault_open_for_person(c, f) != 0 || person_identify(c, f) != 0 ||
	    slots_fetch(c, &all, f) != 0)
		return -1;
	id = c->person_slot;
	old = slots_find(&all, id);
	if (!old || old->kind != SLOT_PASSPHRASE)
		return fail_set(f, FAIL_USAGE, "ccctl slot add passphrase",
				"that is no passphrase slot");
	snprintf(label, sizeof(label), "%s", old->label);
	s.label = label;
	if (slot_make(c, SLOT_PASSPHRASE, &s, all.vault, all.next, f) != 0 ||
	    client_connect(c, true, f) != 0)
		goto out;
	r = slot_send(c, &s, all.next, id, f);
out:
	slot_new_free(c, &s);
	if (r != 0)
		return -1;
	say("the passphrase was changed (slot %" PRIu32 " took the place of %" PRIu32 ")", all.next,
	    id);
	say("note: the old passphrase still opens older copies of the vault, and with what is in "
	    "them the newer ones; ccctl rekey ends that");
	return EXIT_DONE;
}
