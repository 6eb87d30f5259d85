/*
 * broker/person.c - the proof that a person asks, and the requests that want it.
 */
#include "broker/person.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"
#include "broker/connection.h"
#include "broker/fields.h"
#include "broker/key_tries.h"
#include "broker/ops.h"
#include "broker/request.h"
#include "broker/tenant.h"
#include "broker/tenant_vault.h"
#include "vault/slots.h"
#include "vault/vault.h"
#include "wire/pack.h"

#define PERSON_MS 30000 /* a client proves a person and asks at once */

bool person_take(struct connection *c)
{
	/* MUST: of the vault that is open now.  While none is, the proof is of the file, which
	 * whoever runs as the user can exchange before and after it. */
	bool fresh = c->person_until && clock_now_ms() <= c->person_until &&
		     c->person_openings == c->tenant->openings;

	c->person_until = 0;
	return fresh;
}

int person_require(struct request *q, struct failure *f)
{
	bool passphrase = true, recovery = true;
	struct vault_public *pub;
	unsigned i;

	if (q->person || !control_active(CONTROL_PERSON))
		return 0;
	/* What the vault has is said where it can be told. */
	pub = malloc(sizeof(*pub));
	if (pub && tenant_describe_vault(q->connection->tenant, pub, NULL) == 0)
		for (i = 0, passphrase = recovery = false; i < pub->slots; i++) {
			passphrase = passphrase || pub->slot[i].kind == SLOT_PASSPHRASE;
			recovery = recovery || pub->slot[i].kind == SLOT_RECOVERY;
		}
	free(pub);
	return slot_fail_no_person(passphrase, recovery, f);
}

bool person_has_slot(const struct vault *v)
{
	const struct slot_info *s;
	unsigned i;

	for (i = 0; (s = vault_slot(v, i)); i++)
		if (slot_kind_is_persons(s->kind))
			return true;
	return false;
}

struct wire_out *op_person(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	const uint8_t *key;
	uint32_t slot;
	char name[24];

	if (field_slot(q->map, "slot", &slot, f) != 0 || field_key(q->map, &key, f) != 0)
		return NULL;
	snprintf(name, sizeof(name), "slot-%" PRIu32, slot);
	if (key_tries_check(c->tenant, f) != 0 || request_audit(q, "person", name, f) != 0)
		return NULL;
	if (tenant_check_person(c->tenant, slot, key, f) != 0) {
		key_tries_note(c->tenant, f);
		return NULL;
	}
	c->person_until = clock_now_ms() + PERSON_MS;
	c->person_openings = c->tenant->openings;
	return wire_ok();
}
