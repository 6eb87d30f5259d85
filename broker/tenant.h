/*
 * broker/tenant.h - a tenant: one uid's vault, its file, its audit log, its counters.
 *
 * A user broker has one tenant, the system broker one for each user.  All that a
 * broker knows of a user hangs here, and a request reaches no other tenant.
 *
 * A token is *asleep* when its policy's ttl has passed since the vault was opened: it
 * is wiped from memory and stays in the file.
 */
#ifndef BROKER_TENANT_H
#define BROKER_TENANT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "broker/audit_log.h"
#include "broker/auto_lock.h"
#include "broker/checkpoint.h"
#include "broker/quota.h"
#include "broker/vault_store.h"
#include "vault/entry.h"
#include "vault/inspect.h"

struct arena;
struct auto_unlock;
struct book;
struct failure;
struct first_launch;
struct launch;
struct relay;
struct ticket;

struct tenant {
	uid_t uid;
	bool system; /* of a system broker: its files belong to the broker's uid */
	struct vault_store store;
	struct audit_log audit;
	struct {
		uint8_t *key; /* of its checkpoints, in the arena; NULL while locked */
		uint8_t vault[VAULT_ID_LEN]; /* that the key is of */
		struct checkpoint last;	     /* written or read by this broker; seq 0: none yet */
		int64_t due_ms; /* clock_now_ms() of the next; 0: no new line was seen */
	} record;		/* tenant_record.h */
	struct vault *vault;	/* NULL while locked */
	struct vault *kept;	/* while locked: the entries that an automatic lock spared
			      * (keep = yes), without the vault key; or NULL */
	struct arena *arena;	/* a system broker's tenants have one each */
	struct auto_unlock *auto_unlock;
	unsigned connections;
	unsigned marked;	      /* of these, from inside sessions */
	unsigned opened;	      /* with a session, live or not yet */
	unsigned sessions;	      /* live ones */
	unsigned transfers;	      /* connections with a file on its way */
	unsigned relay_files;	      /* descriptors that are kept for its relays */
	unsigned turn, served;	      /* connections served in that turn of the loop */
	unsigned busy_ms;	      /* loop time that it took lately */
	bool watched;		      /* a connection of its uid tells when the computer sleeps */
	bool undelayed;		      /* and the computer's sleep does not wait for it */
	uint64_t releases;	      /* since the broker started */
	uint64_t openings;	      /* of a vault, since the broker started */
	bool opened_unattended;	      /* by auto_unlock, which can do it again */
	bool use_times_changed;	      /* to be written with the next change, or at the lock */
	enum lock_reason lock_reason; /* of the last lock */
	uint64_t locked_at;	      /* seconds since the epoch; 0: never */
	int64_t opened_ms, used_ms;   /* clock_now_ms() of the unlock and of the last use */
	int64_t next_expiry;	      /* clock_now_ms(): no token's ttl is over before then */
	int64_t next_held; /* clock_now_ms(): its sessions are looked at for held_check */
	struct quota_table quota;
	struct ticket *tickets;		     /* of its sessions by relay */
	struct launch *launches;	     /* that wait for a person's yes */
	struct first_launch *first_launches; /* confirmed, since the vault was opened */
	struct relay *relays;  /* of its live sessions; each belongs to its connection */
	struct book *book;     /* what was used: broker/spending.h; NULL until it is asked for */
	unsigned wrong_keys;   /* that were tried, less those that time took: key_tries.h */
	int64_t wrong_keys_ms; /* clock_now_ms() when it took the last one */
	unsigned relay_starts; /* in the minute from relay_starts_ms on */
	int64_t relay_starts_ms;
	int64_t wall_last, wall_last_ms; /* both clocks when they were last compared */
};

/* Whose tenant, and what it gets from the broker. */
struct tenant_options {
	uid_t uid;
	bool system;
	struct arena *arena; /* NULL: one of its own, of room bytes */
	size_t room;
	struct auto_unlock *auto_unlock;
};

/* Open store and audit log; the vault stays locked.  FAIL_BUSY when another broker
 * has the store's lock. */
int tenant_open(struct tenant *t, const struct tenant_options *o, struct failure *f);

/* Lock, and release everything. */
void tenant_close(struct tenant *t);

/*
 * Close a tenant whose user is not connected, to free its place.  When and why its
 * vault was locked is written to a file first, which tenant_open reads.  false: that
 * failed, and nothing was done.
 */
bool tenant_evict(struct tenant *t);

/* "none" (no vault), "locked" or "unlocked". */
const char *tenant_vault_state(const struct tenant *t);

/* FAIL_NO_VAULT or FAIL_LOCKED unless the vault is open. */
int tenant_require_open(const struct tenant *t, struct failure *f);

/* The same, but kept entries are enough. */
int tenant_require_open_or_kept(const struct tenant *t, struct failure *f);

/*
 * An entry whose token can be handed over now.  NULL with FAIL_NO_ENTRY; FAIL_LOCKED:
 * it is not among the kept entries, or asleep; FAIL_NO_VALUE: its token stays in
 * another manager and is to be fetched.
 */
const struct entry *tenant_find_entry(const struct tenant *t, const char *name, struct failure *f);

#endif
