/*
 * client/slots/person.c - showing the broker that a person asks.
 */
#include "client/slots/person.h"

#include <string.h>

#include "base/fail.h"
#include "client/common/ask.h"
#include "client/common/connection.h"
#include "client/slots/slot_key.h"
#include "client/slots/slots.h"
#include "vault/slot.h"

int person_read_fd(struct client *c, int fd, struct failure *f)
{
	if (fd < 0)
		return 0;
	return secret_new(c, &c->given, PASSPHRASE_MAX + 1, f) == 0
		       ? secret_from_fd(fd, &c->given, f)
		       : -1;
}

int person_remember(struct client *c, uint32_t slot, const uint8_t *key, struct failure *f)
{
	if (!c->person_key.p && secret_new(c, &c->person_key, KEY_LEN, f) != 0)
		return -1;
	memcpy(c->person_key.p, key, KEY_LEN);
	c->person_key.n = KEY_LEN;
	c->person_slot = slot;
	return 0;
}

int person_prove(struct client *c, uint32_t slot, const uint8_t *key, struct failure *f)
{
	struct wire_out *o = wire_request("person");

	wire_put_uint(o, "slot", slot);
	wire_put_secret(o, "key", key, KEY_LEN);
	return client_call(c, o, f);
}

/* A slot_try. */
static int person_try_slot(struct client *c, uint32_t slot, const uint8_t *key, void *arg,
			   struct failure *f)
{
	(void)arg;
	return person_prove(c, slot, key, f) == 0 ? person_remember(c, slot, key, f) : -1;
}

static int person_try_typed(struct client *c, const struct slots *all, const struct secret *typed,
			    struct failure *f)
{
	if (slot_key_typed(c, all, typed, person_try_slot, NULL, f) == 0)
		return 0;
	if (f->code == FAIL_WRONG_KEY)
		fail_hint(f, "ccctl slot list shows what opens the vault");
	return -1;
}

int person_identify(struct client *c, struct failure *f)
{
	static struct slots all; /* several pages: not on the stack */
	bool passphrase, recovery;

	if (client_connect(c, true, f) != 0)
		return -1;
	if (c->person_key.p)
		return 0;
	if (slots_fetch(c, &all, f) != 0)
		return -1;
	passphrase = slots_count(&all, SLOT_PASSPHRASE) > 0;
	recovery = slots_count(&all, SLOT_RECOVERY) > 0;
	if ((!passphrase && !recovery) || (!c->given.p && !ask_possible()))
		return slot_fail_no_person(passphrase, recovery, f);
	if (c->given.p)
		return person_try_typed(c, &all, &c->given, f);
	return slot_key_ask(c, &all, person_try_typed, f);
}

int person_call(struct client *c, struct wire_out *request, struct failure *f)
{
	if (person_prove(c, c->person_slot, c->person_key.p, f) == 0)
		return client_call(c, request, f);
	wire_out_free(request);
	return -1;
}
