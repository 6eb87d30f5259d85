/*
 * broker/tenant_lock.c - lock one uid's vault, and wipe tokens whose time is over.
 */
#include "broker/tenant_lock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "broker/confirm.h"
#include "broker/held.h"
#include "broker/relay.h"
#include "broker/spending.h"
#include "broker/tenant.h"
#include "broker/tenant_record.h"
#include "broker/tenant_vault.h"
#include "broker/ticket.h"
#include "vault/entries.h"
#include "vault/lock_settings.h"
#include "vault/tokens.h"
#include "vault/vault.h"
#include "wire/policy.h"

static void wipe_vaults(struct tenant *t)
{
	vault_free(t->vault);
	vault_free(t->kept);
	t->vault = t->kept = NULL;
}

/* Seal the vault with use times that are not on the disk yet.  They are a convenience, so
 * failures are ignored. */
static void seal_use_times(struct tenant *t, struct tenant_lock *l)
{
	l->use_times = NULL;
	l->n = 0;
	l->generation = t->vault ? vault_generation(t->vault) : 0;
	if (t->vault && t->use_times_changed && tenant_wake_tokens(t, NULL) == 0)
		vault_seal(t->vault, &l->use_times, &l->n, NULL);
	l->generation += l->use_times != NULL;
	t->use_times_changed = false;
}

/* The last checkpoint of the log, then the use times: see tenant_record_expect. */
static void write_last_words(struct tenant *t, struct tenant_lock *l)
{
	if (tenant_record_close(t, l->generation) == 0 && l->use_times)
		store_write(&t->store, l->use_times, l->n, NULL);
	free(l->use_times);
	l->use_times = NULL;
}

void tenant_lock_untold(struct tenant *t)
{
	struct tenant_lock l;

	seal_use_times(t, &l);
	wipe_vaults(t);
	write_last_words(t, &l);
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
	seal_use_times(t, l);
	if (!lock_is_automatic(why)) {
		wipe_vaults(t);
	} else if (t->vault) {
		wipe_expired_tokens(t, t->vault, clock_now_ms());
		t->kept = vault_narrow(t->vault, entry_is_kept);
		t->vault = NULL;
	}
	confirm_lock(t);
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

	audit_write(&t->audit, &e, NULL);
	write_last_words(t, l);
}

void tenant_lock(struct tenant *t, enum lock_reason why, pid_t pid)
{
	struct tenant_lock l;

	tenant_lock_wipe(t, why, &l);
	tenant_lock_write(t, &l, pid);
}

void tenant_apply_timeouts(struct tenant *t, int64_t now)
{
	struct lock_settings s;
	enum lock_reason why;

	tickets_expire(t, now);
	held_check(t, now);
	confirm_expire(t, now);
	if (t->vault) {
		s = vault_lock_settings(t->vault);
		why = lock_due(&s, t->opened_ms, t->used_ms, now);
		if (why != LOCK_REASON_START)
			tenant_lock(t, why, 0);
	}
	spending_sync(t, now);
	tenant_record_check(t, now);
	if (now < t->next_expiry)
		return;
	t->next_expiry = INT64_MAX;
	if (t->vault)
		t->next_expiry = wipe_expired_tokens(t, t->vault, now);
	else if (t->kept)
		t->next_expiry = wipe_expired_tokens(t, t->kept, now);
}
