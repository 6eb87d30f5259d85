/*
 * broker/tenant.c - one uid's vault: open it, lock it, commit changes.
 */
#include "broker/tenant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fail.h"
#include "base/io.h"
#include "broker/relay.h"
#include "broker/spending.h"
#include "broker/ticket.h"
#include "vault/arena.h"
#include "vault/entries.h"
#include "vault/inspect.h"
#include "vault/limits.h"
#include "vault/lock_settings.h"
#include "vault/slots.h"
#include "vault/tokens.h"
#include "vault/undo.h"
#include "vault/vault.h"
#include "wire/policy.h"

/* The directories of the vault and of the audit log. */
static int find_directories(const struct tenant_options *o, char data[PATH_SIZE],
			    char state[PATH_SIZE], struct failure *f)
{
	if (!o->system)
		return path_of(PATH_DATA, NULL, data, f) != 0 ||
				       path_of(PATH_STATE, NULL, state, f) != 0
			       ? -1
			       : 0;
	snprintf(data, PATH_SIZE, SYSTEM_STATE_DIR "/vaults/%u", (unsigned)o->uid);
	memcpy(state, data, strlen(data) + 1);
	return 0;
}

/* Read what tenant_evict wrote.  A file that cannot be read counts as a lock by
 * request, so that nothing unlocks the vault by itself. */
static void restore_lock_reason(struct tenant *t)
{
	unsigned long long at = 0;
	char text[48], why[16] = "";
	enum store_read_result r;
	size_t n = 0;
	int w;

	r = store_read_beside(&t->store, STORE_LOCKED, text, sizeof(text) - 1, &n, NULL);
	if (r == STORE_READ_ABSENT)
		return;
	text[r == STORE_READ_DONE ? n : 0] = '\0';
	w = sscanf(text, "%15s %llu", why, &at) == 2 ? lock_reason_from_name(why) : -1;
	t->lock_reason = w < 0 ? LOCK_REASON_REQUEST : (enum lock_reason)w;
	t->locked_at = at;
	store_remove_beside(&t->store, STORE_LOCKED, NULL);
}

bool tenant_evict(struct tenant *t)
{
	char text[48];

	/* Without a vault there is nothing that could be unlocked. */
	if (!t->vault && t->lock_reason != LOCK_REASON_START &&
	    store_presence(&t->store) != STORE_ABSENT) {
		snprintf(text, sizeof(text), "%s %llu\n", lock_reason_name(t->lock_reason),
			 (unsigned long long)t->locked_at);
		if (store_write_beside(&t->store, STORE_LOCKED, text, strlen(text), NULL) != 0)
			return false;
	}
	tenant_close(t);
	return true;
}

int tenant_open(struct tenant *t, const struct tenant_options *o, struct failure *f)
{
	char data[PATH_SIZE], state[PATH_SIZE];

	memset(t, 0, sizeof(*t));
	t->uid = o->uid;
	t->system = o->system;
	t->auto_unlock = o->auto_unlock;
	t->audit.dir = t->audit.fd = -1;
	t->store.dir = t->store.lock = -1;
	if (find_directories(o, data, state, f) != 0 || store_open(&t->store, data, f) != 0)
		return -1;
	if (audit_open(&t->audit, state, f) != 0) {
		store_close(&t->store);
		return -1;
	}
	t->arena = o->arena ? o->arena : arena_new(o->room, f);
	if (t->arena && t->system)
		restore_lock_reason(t);
	if (t->arena)
		return 0;
	audit_close(&t->audit);
	store_close(&t->store);
	return -1;
}

static void wipe_vaults(struct tenant *t)
{
	vault_free(t->vault);
	vault_free(t->kept);
	t->vault = t->kept = NULL;
}

/* Seal the vault with use times that are not on the disk yet: *n bytes of ciphertext
 * for write_use_times, or NULL.  Use times are a convenience, so failures are ignored. */
static uint8_t *seal_use_times(struct tenant *t, size_t *n)
{
	uint8_t *file = NULL;

	*n = 0;
	if (t->vault && t->use_times_changed && tenant_wake_tokens(t, NULL) == 0)
		vault_seal(t->vault, &file, n, NULL);
	t->use_times_changed = false;
	return file;
}

static void write_use_times(struct tenant *t, uint8_t *file, size_t n)
{
	if (file)
		store_write(&t->store, file, n, NULL);
	free(file);
}

void tenant_close(struct tenant *t)
{
	uint8_t *file;
	size_t n;

	file = seal_use_times(t, &n);
	wipe_vaults(t);
	write_use_times(t, file, n);
	tickets_free(t);
	spending_close(t);
	audit_close(&t->audit);
	store_close(&t->store);
	if (t->system)
		arena_free(t->arena);
	memset(t, 0, sizeof(*t));
	t->audit.dir = t->audit.fd = t->store.dir = t->store.lock = -1;
}

const char *tenant_vault_state(const struct tenant *t)
{
	if (t->vault)
		return "unlocked";
	return store_presence(&t->store) == STORE_ABSENT ? "none" : "locked";
}

int tenant_require_open(const struct tenant *t, struct failure *f)
{
	if (t->vault)
		return 0;
	if (store_presence(&t->store) == STORE_ABSENT)
		return fail_set(f, FAIL_NO_VAULT, "ccctl init makes one", "there is no vault yet");
	return fail_set(f, FAIL_LOCKED, "ccctl unlock", "the vault is locked");
}

int tenant_require_open_or_kept(const struct tenant *t, struct failure *f)
{
	return t->kept ? 0 : tenant_require_open(t, f);
}

const struct entry *tenant_find_entry(const struct tenant *t, const char *name, struct failure *f)
{
	const struct vault *v = t->vault ? t->vault : t->kept;
	const struct entry *e = v ? vault_find(v, name) : NULL;

	if (!t->vault && !e)
		fail_set(f, FAIL_LOCKED, "ccctl unlock", "the vault is locked");
	else if (!e)
		fail_set(f, FAIL_NO_ENTRY, NULL, "there is no key '%s' in the vault", name);
	else if (!e->token && e->source && t->vault)
		fail_set(f, FAIL_NO_VALUE, "ccrun fetches it on a terminal",
			 "the key '%s' is to be fetched: %.160s", name, e->source->ref);
	else if (!e->token)
		fail_set(f, FAIL_LOCKED, "ccctl unlock",
			 "the key '%s' was in memory as long as its ttl allows", name);
	return e && e->token ? e : NULL;
}

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

static int write_vault_file(struct tenant *t, struct vault *v, struct failure *f)
{
	uint8_t *file;
	size_t n;
	int r;

	if (vault_seal(v, &file, &n, f) != 0)
		return -1;
	r = store_write(&t->store, file, n, f);
	free(file);
	if (r == 0)
		vault_commit(v);
	return r;
}

/* v is the tenant's open vault from now on, in place of any other. */
static void adopt_vault(struct tenant *t, struct vault *v)
{
	vault_free(t->vault);
	vault_free(t->kept);
	t->kept = NULL;
	t->vault = v;
	t->openings++;
	t->opened_unattended = false;
	t->opened_ms = t->used_ms = clock_now_ms();
	t->next_expiry = 0;
	vault_set_since(v, t->opened_ms);
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

int tenant_unlock(struct tenant *t, uint32_t slot, const uint8_t key[KEY_LEN], struct failure *f)
{
	struct vault *v = open_vault_file(t, slot, key, f);

	if (!v)
		return -1;
	store_accept(&t->store);
	/* It may have been open already; the file is newer. */
	t->use_times_changed = false;
	carry_use_times(t, t->vault, v);
	carry_use_times(t, t->kept, v);
	wipe_changed_tokens(t, t->vault ? t->vault : t->kept, v);
	adopt_vault(t, v);
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
		if (s->id == id && slot_kind_is_persons(s->kind))
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

/* clock_now_ms() when the ttl of e's token is over; INT64_MAX: it has none. */
static int64_t token_ttl_end(const struct entry *e)
{
	struct policy p;

	/* Most policies have no ttl: do not parse those. */
	if (!strstr(e->policy, "ttl=") || policy_parse(&p, e->policy, NULL) != 0 || p.ttl == 0)
		return INT64_MAX;
	return e->since + (int64_t)p.ttl * 1000;
}

/* Wipe the tokens of v whose ttl is over, or that have ended by their source's word; the
 * former in the relays too.  Returns when the next one is due. */
static int64_t wipe_expired_tokens(struct tenant *t, struct vault *v, int64_t now)
{
	int64_t next = INT64_MAX, end;
	const struct entry *e;
	unsigned i;

	for (i = 0; (e = vault_at(v, i)); i++) {
		if (!e->token)
			continue;
		end = token_ttl_end(e);
		if (now >= end) {
			vault_token_sleep(v, e->name);
			relays_wipe(t->relays, e->name, "locked", NULL, NULL);
			continue;
		}
		if (e->until && e->until < end)
			end = e->until;
		/* The relays were told when it ends, and what they transfer may go on. */
		if (now >= end)
			vault_token_sleep(v, e->name);
		else if (end < next)
			next = end;
	}
	return next;
}

static bool entry_is_kept(const struct entry *e)
{
	struct policy p;

	return policy_parse(&p, e->policy, NULL) == 0 && p.keep;
}

static bool kept_has_token(const void *tenant, const char *name)
{
	const struct tenant *t = tenant;
	const struct entry *e = t->kept ? vault_find(t->kept, name) : NULL;

	return e && e->token;
}

void tenant_lock_wipe(struct tenant *t, enum lock_reason why, struct tenant_lock *l)
{
	bool locked_before = !t->vault && !t->kept && t->lock_reason != LOCK_REASON_START;

	/* MUST: wipe before anything is written.  A computer that is about to suspend does
	 * not wait for a slow disk, and a full disk must not keep a vault from being
	 * locked. */
	l->why = why;
	l->use_times = seal_use_times(t, &l->n);
	if (!lock_is_automatic(why)) {
		wipe_vaults(t);
	} else if (t->vault) {
		wipe_expired_tokens(t, t->vault, clock_now_ms());
		t->kept = vault_narrow(t->vault, entry_is_kept);
		t->vault = NULL;
	}
	relays_wipe(t->relays, NULL, "locked", lock_is_automatic(why) ? kept_has_token : NULL, t);
	/* Locking a locked vault changes neither reason nor time. */
	if (!locked_before || why == LOCK_REASON_MOVED) {
		t->lock_reason = why;
		t->locked_at = (uint64_t)time(NULL);
	}
}

void tenant_lock_write(struct tenant *t, struct tenant_lock *l, pid_t pid)
{
	struct audit_event e = { .event = "lock",
				 .result = pid ? "granted" : "done",
				 .pid = pid,
				 .why = lock_reason_name(l->why) };

	write_use_times(t, l->use_times, l->n);
	l->use_times = NULL;
	audit_write(&t->audit, &e, NULL);
}

void tenant_lock(struct tenant *t, enum lock_reason why, pid_t pid)
{
	struct tenant_lock l;

	tenant_lock_wipe(t, why, &l);
	tenant_lock_write(t, &l, pid);
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
	/* A moved vault is written byte for byte, so that the client can compare it. */
	if ((moved ? store_write(&t->store, r->file, r->n, f) : write_vault_file(t, v, f)) != 0) {
		/* Undo the link. */
		if (aside[0])
			store_remove_beside(&t->store, aside, NULL);
		goto bad;
	}
	free(pub);
	adopt_vault(t, v);
	relays_wipe(t->relays, NULL, "changed", NULL, NULL);
	return 0;
bad:
	/* The broker holds what it held before. */
	t->store.current = seen;
	free(pub);
	vault_free(v);
	return -1;
}

void tenant_apply_timeouts(struct tenant *t, int64_t now)
{
	struct lock_settings s;
	enum lock_reason why;

	tickets_expire(t, now);
	if (t->vault) {
		s = vault_lock_settings(t->vault);
		why = lock_due(&s, t->opened_ms, t->used_ms, now);
		if (why != LOCK_REASON_START)
			tenant_lock(t, why, 0);
	}
	spending_sync(t, now);
	if (now < t->next_expiry)
		return;
	t->next_expiry = INT64_MAX;
	if (t->vault)
		t->next_expiry = wipe_expired_tokens(t, t->vault, now);
	else if (t->kept)
		t->next_expiry = wipe_expired_tokens(t, t->kept, now);
}
