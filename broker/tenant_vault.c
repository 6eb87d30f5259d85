/*
 * broker/tenant_vault.c - one uid's vault: make it, open it, commit its changes.
 */
#include "broker/tenant_vault.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/fail.h"
#include "broker/confirm.h"
#include "broker/relay.h"
#include "broker/tenant.h"
#include "broker/tenant_record.h"
#include "vault/arena.h"
#include "vault/entries.h"
#include "vault/inspect.h"
#include "vault/lock_settings.h"
#include "vault/slots.h"
#include "vault/tokens.h"
#include "vault/undo.h"
#include "vault/vault.h"

int tenant_inspect_vault(struct tenant *t, struct vault_public *out, struct failure *f)
{
	uint8_t *file;
	size_t n;
	int r;

	if (store_read(&t->store, &file, &n, f) != 0)
		return -1;
	r = vault_inspect(file, n, out, f);
	free(file);
	if (r != 0)
		store_explain_failure(&t->store, f);
	return r;
}

/* What the open vault says of itself, as its file would. */
static void describe_open_vault(const struct vault *v, struct vault_public *out)
{
	const struct slot_info *s;

	memset(out, 0, sizeof(*out));
	out->generation = vault_generation(v);
	memcpy(out->id, vault_id(v), VAULT_ID_LEN);
	while (out->slots < VAULT_SLOTS_MAX && (s = vault_slot(v, out->slots)))
		out->slot[out->slots++] = *s;
}

int tenant_describe_vault(struct tenant *t, struct vault_public *out, struct failure *f)
{
	if (!t->vault)
		return tenant_inspect_vault(t, out, f);
	describe_open_vault(t->vault, out);
	return 0;
}

static int write_vault_file(struct tenant *t, struct vault *v, struct failure *f)
{
	uint8_t *file;
	size_t n;
	int r;

	if (tenant_record_expect(t, v, vault_generation(v) + 1, f) != 0 ||
	    vault_seal(v, &file, &n, f) != 0)
		return -1;
	r = store_write(&t->store, file, n, f);
	free(file);
	if (r == 0)
		vault_commit(v);
	else
		tenant_record_unwritten(t);
	return r;
}

/* A moved vault is written byte for byte, so that the client can compare it. */
static int write_moved_file(struct tenant *t, const struct vault *v, const struct tenant_restore *r,
			    struct failure *f)
{
	if (tenant_record_expect(t, v, vault_generation(v), f) == 0 &&
	    store_write(&t->store, r->file, r->n, f) == 0)
		return 0;
	tenant_record_unwritten(t);
	return -1;
}

/* v is the tenant's open vault from now on, in place of any other. */
static void adopt_vault(struct tenant *t, struct vault *v)
{
	vault_free(t->vault);
	vault_free(t->kept);
	t->kept = NULL;
	t->vault = v;
	t->openings++;
	confirm_lock(t);
	t->opened_unattended = false;
	t->opened_ms = t->used_ms = clock_now_ms();
	t->next_expiry = 0;
	vault_set_since(v, t->opened_ms);
	t->audit.durable = vault_lock_settings(v).durable;
}

int tenant_create_vault(struct tenant *t, struct slot_info *slot, const uint8_t key[KEY_LEN],
			struct failure *f)
{
	struct vault *v;

	if (t->vault)
		return fail_set(f, FAIL_EXISTS, "ccctl lock forgets it",
				"a vault is open already: %s", t->store.path);
	if (store_presence(&t->store) != STORE_ABSENT)
		return fail_set(f, FAIL_EXISTS, "ccctl unlock opens it",
				"there is a vault already: %s", t->store.path);
	v = vault_create(t->arena, slot, key, f);
	if (!v)
		return -1;
	if (store_set_aside_previous(&t->store, f) != 0 || write_vault_file(t, v, f) != 0) {
		vault_free(v);
		return -1;
	}
	adopt_vault(t, v);
	tenant_record_begin(t);
	return 0;
}

/* Before secrets are read into it: is the arena still locked memory? */
static int check_memory_locked(const struct tenant *t, struct failure *f)
{
	if (arena_verify(t->arena))
		return 0;
	return fail_set(f, FAIL_NOT_LOCKED_MEM, "start the broker again: ccctl unlock",
			"the kernel no longer holds the broker's memory locked");
}

/* Read and open the vault's file.  NULL with f set. */
static struct vault *open_vault_file(struct tenant *t, uint32_t slot, const uint8_t key[KEY_LEN],
				     struct failure *f)
{
	struct vault *v;
	uint8_t *file;
	size_t n;

	if (check_memory_locked(t, f) != 0 || store_read(&t->store, &file, &n, f) != 0)
		return NULL;
	v = vault_open(t->arena, file, n, slot, key, f);
	free(file);
	if (!v)
		store_explain_failure(&t->store, f);
	return v;
}

/* Take over from the vault in memory into `to`, which was just read from the file:
 * newer use times, and tokens that were fetched from another manager. */
static void carry_use_times(struct tenant *t, const struct vault *from, struct vault *to)
{
	const struct entry *e, *same;
	unsigned i;

	if (!from || memcmp(vault_id(from), vault_id(to), VAULT_ID_LEN) != 0)
		return;
	vault_tokens_carry(from, to);
	for (i = 0; (e = vault_at(from, i)); i++) {
		same = vault_find(to, e->name);
		if (!same || same->used >= e->used)
			continue;
		vault_mark_used(to, e->name, e->used);
		t->use_times_changed = true;
	}
}

/* Whether what a relay was given of it still holds. */
static bool entry_is_same(const struct entry *a, const struct entry *b)
{
	return b && b->token && a->token_len == b->token_len &&
	       memcmp(a->token, b->token, a->token_len) == 0 && strcmp(a->origin, b->origin) == 0 &&
	       strcmp(a->variable, b->variable) == 0 && strcmp(a->policy, b->policy) == 0;
}

/* The file may have been changed by others (a restored copy): tell the relays that have a
 * token which is another one now. */
static void wipe_changed_tokens(struct tenant *t, const struct vault *from, const struct vault *to)
{
	const struct entry *e;
	unsigned i;

	for (i = 0; t->relays && from && (e = vault_at(from, i)); i++)
		if (e->token && !entry_is_same(e, vault_find(to, e->name)))
			relays_wipe(t->relays, e->name, "changed", NULL, NULL);
}

int tenant_unlock(struct tenant *t, uint32_t slot, const uint8_t key[KEY_LEN], bool person,
		  struct failure *f)
{
	struct vault *v = open_vault_file(t, slot, key, f);
	const struct vault *had = t->vault ? t->vault : t->kept;

	if (!v)
		return -1;
	/* While one is locked, a proof is of the file and says nothing. */
	if (had && !(t->vault && person) && !vault_same_key(had, v)) {
		vault_free(v);
		return fail_set(f, FAIL_CHANGED, "if that is right: ccctl lock, then ccctl unlock",
				"%s is another vault than the one in memory, which stays there",
				t->store.path);
	}
	store_accept(&t->store);
	/* It may have been open already; the file is newer. */
	t->use_times_changed = false;
	carry_use_times(t, t->vault, v);
	carry_use_times(t, t->kept, v);
	wipe_changed_tokens(t, t->vault ? t->vault : t->kept, v);
	adopt_vault(t, v);
	tenant_record_opened(t);
	return 0;
}

int tenant_check_key(struct tenant *t, uint32_t slot, const uint8_t key[KEY_LEN], struct failure *f)
{
	struct vault *v = open_vault_file(t, slot, key, f);

	vault_free(v);
	return v ? 0 : -1;
}

/* FAIL_PERSON unless v, which slot id opens, says that it is a person's. */
static int check_persons_slot(const struct vault *v, uint32_t id, struct failure *f)
{
	const struct slot_info *s;
	unsigned i;

	for (i = 0; (s = vault_slot(v, i)); i++)
		if (s->id == id &&
		    (slot_kind_is_persons(s->kind) || !control_active(CONTROL_PERSONS_SLOT)))
			return 0;
		else if (s->id == id)
			break;
	return fail_set(f, FAIL_PERSON, "give the passphrase or the recovery code",
			"the key of slot %" PRIu32 " (%s) shows no person: it answers whoever asks",
			id, s ? slot_kind_name(s->kind) : "none");
}

int tenant_check_person(struct tenant *t, uint32_t slot, const uint8_t key[KEY_LEN],
			struct failure *f)
{
	struct vault *v;
	int r;

	/* MUST: not of the file.  Who runs as the user can put another vault there, with a
	 * passphrase of his own. */
	if (t->vault)
		return vault_check_key(t->vault, slot, key, f) == 0
			       ? check_persons_slot(t->vault, slot, f)
			       : -1;
	v = open_vault_file(t, slot, key, f);
	if (!v)
		return -1;
	r = check_persons_slot(v, slot, f);
	vault_free(v);
	return r;
}

int tenant_wake_tokens(struct tenant *t, struct failure *f)
{
	uint8_t *file;
	size_t n;
	int r;

	if (vault_tokens_asleep(t->vault) == 0)
		return 0;
	if (store_read(&t->store, &file, &n, f) != 0)
		return -1;
	r = vault_tokens_wake(t->vault, file, n, f);
	free(file);
	t->next_expiry = 0;
	return r;
}

int tenant_commit(struct tenant *t, struct failure *f)
{
	/* The change may have brought a token or a ttl. */
	t->next_expiry = 0;
	if (write_vault_file(t, t->vault, f) == 0) {
		t->use_times_changed = false;
		tenant_record_written(t);
		return 0;
	}
	vault_undo(t->vault);
	return -1;
}

int tenant_restore(struct tenant *t, const struct tenant_restore *r, struct failure *f)
{
	struct slot_key keep = { r->slot, r->key };
	struct stat seen = t->store.current;
	bool moved = !r->rekey && store_presence(&t->store) == STORE_ABSENT;
	struct vault_public *pub = NULL;
	struct vault *v = NULL;
	char aside[STORE_LEAF_SIZE];

	if (check_memory_locked(t, f) != 0)
		return -1;
	if (store_presence(&t->store) != STORE_ABSENT && !r->replace)
		return fail_set(f, FAIL_EXISTS, "--replace sets it aside",
				"there is a vault already: %s", t->store.path);
	v = vault_open(t->arena, r->file, r->n, r->slot, r->key, f);
	if (!v)
		return -1;
	if (check_persons_slot(v, r->slot, f) != 0)
		goto bad;
	pub = malloc(sizeof(*pub));
	if (!pub) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a vault");
		goto bad;
	}
	/* Its generation must exceed the replaced vault's; a damaged one has none. */
	if (tenant_inspect_vault(t, pub, NULL) == 0)
		vault_raise_generation(v, pub->generation);
	if ((r->rekey && vault_rekey(v, &keep, 1, f) != 0) ||
	    store_set_aside(&t->store, aside, f) != 0)
		goto bad;
	store_forget(&t->store);
	if ((moved ? write_moved_file(t, v, r, f) : write_vault_file(t, v, f)) != 0) {
		/* Undo the link. */
		if (aside[0])
			store_remove_beside(&t->store, aside, NULL);
		goto bad;
	}
	free(pub);
	adopt_vault(t, v);
	tenant_record_begin(t);
	relays_wipe(t->relays, NULL, "changed", NULL, NULL);
	return 0;
bad:
	/* The broker holds what it held before. */
	t->store.current = seen;
	free(pub);
	vault_free(v);
	return -1;
}
