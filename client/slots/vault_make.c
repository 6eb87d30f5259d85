/*
 * client/slots/vault_make.c - making a vault.  Its first key is derived or made
 * here, so neither the broker nor the wire ever sees a passphrase.
 */
#include "client/slots/vault_make.h"

#include <string.h>

#include "base/fail.h"
#include "base/paths.h"
#include "client/common/connection.h"
#include "client/common/output.h"
#include "client/slots/person.h"
#include "client/slots/slot_make.h"
#include "vault/slot.h"
#include "vault/vault.h"

#define FIRST_SLOT 1 /* the id of a new vault's first slot */

/* A second vault in the other broker would hide this one, or be hidden by it. */
static int vault_check_none(struct client *c, bool system, struct failure *f)
{
	char path[PATH_SIZE];
	const char *astray;

	if (client_connect(c, !system, f) == 0 && strcmp(c->state, "none") != 0)
		return fail_set(f, FAIL_EXISTS,
				system && !c->dial.system
					? "ccctl unlock opens it; ccctl move system takes it to "
					  "the system broker"
					: "ccctl unlock opens it",
				"there is a vault already: %s", c->vault);
	astray = system ? NULL : path_astray(PATH_DATA, "vault", path);
	if (astray)
		say("note: %s leads elsewhere; without it you have a vault: %s", astray, path);
	if (!system && dial_system_down())
		say("note: the system broker is not running; if it has a vault of yours, that one "
		    "will be "
		    "used instead of this one");
	if (system && user_vault_file_exists())
		return fail_set(f, FAIL_EXISTS, "ccctl move system",
				"your own broker has a vault already");
	return 0;
}

/* Does a system broker run that serves this user? */
static bool vault_system_serves(struct client *c)
{
	enum dial_where was = c->where;
	bool serves;

	c->where = DIAL_SYSTEM;
	serves = client_connect(c, false, NULL) == 0;
	c->where = was;
	return serves;
}

int vault_make(struct client *c, int pass_fd, enum dial_where where, struct failure *f)
{
	struct new_slot s = { .pass_fd = pass_fd, .first = true };
	uint8_t none[VAULT_ID_LEN] = { 0 };
	struct wire_out *o;
	bool system = where == DIAL_SYSTEM || (where == DIAL_ANY && vault_system_serves(c));
	int r = -1;

	if (vault_check_none(c, system, f) != 0)
		return -1;
	c->where = system ? DIAL_SYSTEM : DIAL_USER;
	if (client_connect(c, true, f) != 0)
		return -1;
	if (slot_make(c, SLOT_PASSPHRASE, &s, none, FIRST_SLOT, f) != 0 ||
	    client_connect(c, true, f) != 0)
		goto out;
	o = wire_request("init");
	slot_put(o, &s.info);
	wire_put_secret(o, "key", s.key.p, KEY_LEN);
	r = client_call(c, o, f);
	if (r == 0)
		r = person_remember(c, FIRST_SLOT, s.key.p, f);
out:
	slot_new_free(c, &s);
	if (r != 0)
		return -1;
	say("made the vault %s, and it is open", c->vault);
	if (system && where == DIAL_ANY)
		say("note: it is the system broker's, which keeps it from programs that run as "
		    "you; ccctl move user takes it to a broker of your own");
	client_watch(c);
	return 0;
}
