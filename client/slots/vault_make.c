/*
 * client/slots/vault_make.c - making a vault.  Its first key is derived or made
 * here, so neither the broker nor the wire ever sees a passphrase.
 */
#include "client/slots/vault_make.h"

#include <string.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/output.h"
#include "client/slots/slot_make.h"
#include "client/slots/slots.h"
#include "vault/crypto.h"

/* A second vault in the other broker would hide this one, or be hidden by it. */
static int vault_check_none(struct client *c, bool system, struct failure *f)
{
	if (client_connect(c, !system, f) == 0 && strcmp(c->state, "none") != 0)
		return fail_set(f, FAIL_EXISTS,
				system && !c->dial.system ? "ccctl move system"
							  : "ccctl unlock opens it",
				"there is a vault already: %s", c->vault);
	if (!system && dial_system_down())
		say("note: the system broker is not running; if it has a vault of yours, that one "
		    "will be "
		    "used instead of this one");
	if (system && user_vault_file_exists())
		return fail_set(f, FAIL_EXISTS, "ccctl move system",
				"your own broker has a vault already");
	return 0;
}

int vault_make(struct client *c, enum slot_kind kind, int pass_fd, bool system, struct failure *f)
{
	struct new_slot s = { .pass_fd = pass_fd, .first = true };
	uint8_t id[VAULT_ID_LEN];
	struct wire_out *o;
	bool made = false, sent = false;
	int r = -1;

	if (vault_check_none(c, system, f) != 0)
		return -1;
	c->where = system ? DIAL_SYSTEM : DIAL_USER;
	if (client_connect(c, true, f) != 0)
		return -1;
	random_fill(id, sizeof(id));
	if (slot_make(c, kind, &s, id, 1, f) != 0)
		goto out;
	made = true;
	if (client_connect(c, true, f) != 0)
		goto out;
	o = wire_request("init");
	slot_put(o, &s.info);
	wire_put_bin(o, "id", id, sizeof(id));
	if (s.has_keyfile)
		wire_put_bin(o, "keyfile", s.keyfile, sizeof(s.keyfile));
	wire_put_secret(o, "key", s.key.p, KEY_LEN);
	sent = true;
	r = client_call(c, o, f);
out:
	if (r != 0 && made)
		slot_unmake(c, &s, id, 1, sent);
	slot_new_free(c, &s);
	if (r != 0)
		return -1;
	say("made the vault %s, and it is open", c->vault);
	if (kind != SLOT_PASSPHRASE)
		slots_warn_of_last(1);
	client_watch(c);
	return 0;
}
