/*
 * client/slots/vault_open.c - opening the vault.  Keys are derived and fetched here,
 * so neither the broker nor the wire ever sees a passphrase.
 */
#include "client/slots/vault_open.h"

#include <inttypes.h>
#include <string.h>

#include "base/fail.h"
#include "base/paths.h"
#include "client/common/ask.h"
#include "client/common/connection.h"
#include "client/common/output.h"
#include "client/common/secret.h"
#include "client/slots/person.h"
#include "client/slots/slot_key.h"
#include "client/slots/slots.h"
#include "client/slots/vault_make.h"

/* The broker has just answered an unlock or reopen. */
static void vault_say_open(struct client *c)
{
	uint64_t entries = 0;

	wire_get_uint(c->dial.in.top, "entries", &entries, NULL);
	say("the vault is open (%" PRIu64 " %s)", entries, entries == 1 ? "key" : "keys");
	client_watch(c);
}

static int vault_unlock_slot(struct client *c, uint32_t id, const uint8_t *key, struct failure *f)
{
	if (slot_unlock(c, id, key, f) != 0)
		return -1;
	vault_say_open(c);
	return 0;
}

/* A slot_try: a person typed what makes the key. */
static int vault_unlock_typed_slot(struct client *c, uint32_t id, const uint8_t *key, void *arg,
				   struct failure *f)
{
	(void)arg;
	if (vault_unlock_slot(c, id, key, f) != 0)
		return -1;
	return person_remember(c, id, key, f);
}

/* With the keyfile or the credential that the broker has.  1 opened, 0 it has neither, -1. */
static int vault_reopen(struct client *c, struct failure *f)
{
	if (client_call(c, wire_request("reopen"), f) == 0) {
		vault_say_open(c);
		return 1;
	}
	return f->code == FAIL_NO_ENTRY ? 0 : -1;
}

/* Try every slot of the kind.  1 opened, 0 there is no such slot, -1 none opened it. */
static int vault_try_kind(struct client *c, const struct slots *all, enum slot_kind kind,
			  bool prompt, struct failure *f)
{
	struct secret key = { 0 };
	unsigned i;
	int r = 0;

	if (secret_new(c, &key, KEY_LEN, f) != 0)
		return -1;
	for (i = 0; i < all->n && r != 1; i++) {
		if (all->slot[i].kind != kind)
			continue;
		r = -1;
		if (slot_key_fetch(c, all, &all->slot[i], prompt, &key, f) == 0 &&
		    client_connect(c, true, f) == 0 &&
		    vault_unlock_slot(c, all->slot[i].id, key.p, f) == 0)
			r = 1;
	}
	secret_free(c, &key);
	return r;
}

enum vault_quiet vault_open_quietly(struct client *c)
{
	static const enum slot_kind kinds[] = { SLOT_KEYRING, SLOT_TPM2 };
	static struct slots all; /* several pages: not on the stack */
	enum vault_quiet result = VAULT_QUIET_NONE;
	struct failure f = { 0 };
	unsigned i;
	int r = vault_reopen(c, &f);

	if (r == 1)
		return VAULT_QUIET_OPENED;
	if (r < 0) {
		fail_print("ccctl", &f);
		result = VAULT_QUIET_FAILED;
	}
	if (client_connect(c, true, &f) != 0 || slots_fetch(c, &all, &f) != 0) {
		fail_print("ccctl", &f);
		return VAULT_QUIET_FAILED;
	}
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		r = vault_try_kind(c, &all, kinds[i], false, &f);
		if (r == 1)
			return VAULT_QUIET_OPENED;
		if (r < 0) {
			fail_print("ccctl", &f);
			result = VAULT_QUIET_FAILED;
		}
	}
	return result;
}

int vault_open_by_kind(struct client *c, enum slot_kind kind, struct failure *f)
{
	static struct slots all;
	int r;

	if (slots_fetch(c, &all, f) != 0)
		return -1;
	r = vault_try_kind(c, &all, kind, true, f);
	if (r == 0)
		fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows what does",
			 "no %s slot opens this vault", slot_kind_name(kind));
	return r == 1 ? 0 : -1;
}

/* No slot has a passphrase or a recovery code: say how the slots that there are open it. */
static int vault_fail_untyped(const struct slots *all, struct failure *f)
{
	static const struct {
		enum slot_kind kind;
		const char *command;
	} ways[] = {
		{ SLOT_KEYRING, "ccctl unlock --keyring" },
		{ SLOT_KEYFILE, "ccctl unlock --keyfile" },
		{ SLOT_CREDENTIAL, "ccctl unlock --keyfile" },
		{ SLOT_TPM2, "ccctl unlock --tpm2" },
	};
	unsigned i;

	fail_set(f, FAIL_LOCKED, "ccctl slot list shows what opens it",
		 "the vault is locked, and no passphrase opens it");
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (slots_count(all, ways[i].kind) > 0) {
			/* Of the table. */
			fail_hint_text(f, ways[i].command);
			break;
		}
	return -1;
}

static int vault_try_typed(struct client *c, const struct slots *all, const struct secret *typed,
			   struct failure *f)
{
	return slot_key_typed(c, all, typed, vault_unlock_typed_slot, NULL, f);
}

int vault_open_typed(struct client *c, struct failure *f)
{
	static struct slots all;

	if (client_connect(c, true, f) != 0 || slots_fetch(c, &all, f) != 0)
		return -1;
	if (c->given.p)
		return vault_try_typed(c, &all, &c->given, f);
	if (slots_count(&all, SLOT_PASSPHRASE) + slots_count(&all, SLOT_RECOVERY) == 0)
		return vault_fail_untyped(&all, f);
	if (!ask_possible())
		return fail_set(f, FAIL_USAGE,
				"ccctl unlock --passphrase-fd N reads it from a descriptor",
				"cannot ask for the passphrase: there is no terminal");
	return slot_key_ask(c, &all, vault_try_typed, f);
}

int vault_fail_none(struct failure *f)
{
	char path[PATH_SIZE];
	const char *astray = path_astray(PATH_DATA, "vault", path);

	fail_set(f, FAIL_NO_VAULT, "ccctl init makes one", "there is no vault yet");
	if (astray)
		fail_hint(f, "%s leads elsewhere; without it there is %s", astray, path);
	return -1;
}

int vault_open_for_person(struct client *c, struct failure *f)
{
	if (client_connect(c, true, f) != 0)
		return -1;
	if (strcmp(c->state, "unlocked") == 0)
		return 0;
	if (strcmp(c->state, "none") == 0)
		return vault_fail_none(f);
	if (!c->given.p && !ask_possible())
		return fail_set(f, FAIL_LOCKED, "ccctl unlock, then the same command again",
				"the vault is locked");
	return vault_open_typed(c, f) == 0 ? client_connect(c, true, f) : -1;
}

bool vault_locked_since_start(const struct client *c)
{
	return strcmp(c->state, "locked") == 0 && strcmp(c->why, "start") == 0;
}

int vault_ready(struct client *c, struct failure *f)
{
	bool none, given = c->given.p != NULL;

	if (client_connect(c, true, f) != 0)
		return -1;
	if (strcmp(c->state, "unlocked") == 0)
		return 0;
	none = strcmp(c->state, "none") == 0;
	if (none && (given || !ask_possible()))
		return vault_fail_none(f);
	if (!none && !given && vault_locked_since_start(c) &&
	    vault_open_quietly(c) == VAULT_QUIET_OPENED)
		return client_connect(c, true, f);
	if (!none && !given && !ask_possible())
		return fail_set(f, FAIL_LOCKED, "ccctl unlock, then the same command again",
				"the vault is locked");
	if ((none ? vault_make(c, -1, DIAL_ANY, f) : vault_open_typed(c, f)) != 0)
		return -1;
	return client_connect(c, true, f);
}

int vault_unlock_with_keyfile(struct client *c, const char *file, struct failure *f)
{
	static struct slots all;
	struct secret key = { 0 };
	uint32_t id;
	int r = -1;

	if (!file) {
		r = vault_reopen(c, f);
		return r == 1 ? 0 : -1;
	}
	if (slots_fetch(c, &all, f) == 0 && secret_new(c, &key, KEY_LEN, f) == 0 &&
	    slot_key_from_keyfile(c, file, &all, &id, &key, f) == 0)
		r = vault_unlock_slot(c, id, key.p, f);
	secret_free(c, &key);
	return r;
}
