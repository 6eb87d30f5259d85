/*
 * broker/tenant.h - one uid's vault: the file, the open vault, the record.
 *
 * Everything that the broker knows of a person hangs here, so that a broker
 * that serves many keeps them apart by construction.
 */
#ifndef BROKER_TENANT_H
#define BROKER_TENANT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "broker/auto_lock.h"
#include "broker/auto_unlock.h"
#include "broker/audit_log.h"
#include "broker/vault_store.h"
#include "broker/quota.h"
#include "vault/vault.h"

struct failure;
struct arena;

struct tenant {
	uid_t uid;
	bool system; /* of a system broker: its files are the broker's own */
	struct vault_store store;
	struct audit_log record;
	struct vault *vault; /* NULL while locked */
	struct vault *kept;  /* while locked: what automatic locks spare, without the vault key */
	struct arena *arena; /* a system broker's tenants have one each */
	struct auto_unlock *own;     /* what the broker opens by itself */
	unsigned connections;
	unsigned marked;     /* of these, from inside sessions */
	unsigned sessions;   /* live ones */
	unsigned staged;     /* connections that move a file */
	unsigned turn, served; /* connections served in that turn of the loop */
	unsigned busy;	       /* ms that it kept the loop waiting lately */
	bool watched;	     /* a connection says when the computer sleeps */
	uint64_t releases;
	bool alone; /* it was opened with no person there, and can be again */
	bool use_times_changed; /* written with the next change, or when it locks */
	enum lock_reason why;	/* it was locked; LOCK_REASON_START: never was, it is fresh */
	uint64_t locked_at;	/* seconds since the epoch; 0 never */
	int64_t opened, used;	/* io_now_ms() */
	int64_t sleep_next;	/* not before then is a token's ttl over */
	struct quota_table usage;
};

/* Whose vault, and where it is kept. */
struct tenant_options {
	uid_t uid;
	bool system;
	struct arena *arena; /* NULL: one of its own, of room bytes */
	size_t room;
	struct auto_unlock *own;
};

/*
 * Open a store and a record.  FAIL_BUSY when another broker holds the lock.
 */
int tenant_open(struct tenant *t, const struct tenant_options *where, struct failure *f);

/* Lock and give back everything. */
void tenant_close(struct tenant *t);

/* The same for a while: that it was locked is known when it is opened again.
 * false: that could not be kept, and nothing was done. */
bool tenant_evict(struct tenant *t);

/* "none", "locked" or "unlocked". */
const char *tenant_vault_state(const struct tenant *t);

/* FAIL_NO_VAULT or FAIL_LOCKED unless the vault is open. */
int tenant_require_open(const struct tenant *t, struct failure *f);

/* The same, but kept entries will do. */
int tenant_require_open_or_kept(const struct tenant *t, struct failure *f);

/* An entry that can be handed over now.  NULL with FAIL_NO_ENTRY, or FAIL_LOCKED:
 * it is not among the kept ones, or its time in memory is over; FAIL_NO_VALUE: its
 * token is to be fetched (again). */
const struct entry *tenant_find_entry(const struct tenant *t, const char *name, struct failure *f);

/* The public part of the vault file, checked. */
int tenant_inspect_vault(struct tenant *t, struct vault_public *out, struct failure *f);

/* Make the vault and write it.  id: NULL for a random one.  FAIL_EXISTS when there is one. */
int tenant_create_vault(struct tenant *t, const uint8_t *id, struct slot_info *slot,
		const uint8_t key[KEY_LEN], struct failure *f);

int tenant_unlock(struct tenant *t, uint32_t slot, const uint8_t key[KEY_LEN], struct failure *f);

/* Does the key open the file's slot?  Nothing changes. */
int tenant_check_key(struct tenant *t, uint32_t slot, const uint8_t key[KEY_LEN], struct failure *f);

/*
 * Wipe every secret (but for entries with keep = yes, when the lock is an
 * automatic one), then write use times, as well as that works, and put it on
 * record.  pid: who asked, or 0.  A vault that is locked already keeps the time
 * and reason of the first lock, unless this one wipes kept entries, or keeps a
 * fresh broker from opening it by itself.
 */
void tenant_lock(struct tenant *t, enum lock_reason why, pid_t pid);

/* Before a change: every sleeping token back in memory.  0 or -1. */
int tenant_wake_tokens(struct tenant *t, struct failure *f);

/* Put the vault's present state on disk, or undo the last change and fail. */
int tenant_commit(struct tenant *t, struct failure *f);

/* A file from elsewhere, which slot and key open, becomes the vault. */
struct tenant_restore {
	const uint8_t *file;
	size_t n;
	uint32_t slot;
	const uint8_t *key;
	bool replace; /* there may be a vault: it is set aside */
	bool rekey;   /* with another vault key and this slot alone */
};
int tenant_restore(struct tenant *t, const struct tenant_restore *r, struct failure *f);

/*
 * What time does: tokens past their ttl are put to sleep, the vault is locked.
 * Cheap: called before every request, so that nothing is served late and no
 * request keeps open what was due before it came.
 */
void tenant_apply_timeouts(struct tenant *t, int64_t now);

#endif
