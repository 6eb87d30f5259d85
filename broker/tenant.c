/*
 * broker/tenant.c - one uid's state: open it, close it, what is in it now.
 */
#include "broker/tenant.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "broker/confirm.h"
#include "broker/spending.h"
#include "broker/tenant_lock.h"
#include "broker/ticket.h"
#include "vault/arena.h"
#include "vault/entries.h"
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

void tenant_close(struct tenant *t)
{
	tenant_lock_untold(t);
	tickets_free(t);
	confirm_free(t);
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
