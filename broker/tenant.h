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
#include "broker/record.h"
#include "broker/store.h"
#include "secure/vault.h"

struct failure;
struct arena;

struct tenant {
	uid_t uid;
	struct store store;
	struct record record;
	struct vault *vault; /* NULL while locked */
	struct arena *arena; /* shared with the other tenants */
	unsigned connections;
	unsigned marked;     /* of these, from inside sessions */
	unsigned sessions;   /* live ones */
	uint64_t releases;
	bool use_times_changed; /* written with the next change, or when it locks */
};

/*
 * Open uid's store and record.  FAIL_BUSY when another broker holds the lock.
 */
int tenant_open(struct tenant *t, uid_t uid, struct arena *a, struct failure *f);

/* Lock and give back everything. */
void tenant_close(struct tenant *t);

/* "none", "locked" or "unlocked". */
const char *tenant_state(const struct tenant *t);

/* FAIL_NO_VAULT or FAIL_LOCKED unless the vault is open. */
int tenant_need_open(const struct tenant *t, struct failure *f);

/* The public part of the vault file, checked. */
int tenant_inspect(struct tenant *t, struct vault_public *out, struct failure *f);

/* Make the vault and write it.  FAIL_EXISTS when there is one. */
int tenant_init(struct tenant *t, struct slot_info *slot, const uint8_t key[KEY_LEN], struct failure *f);

int tenant_unlock(struct tenant *t, uint32_t slot, const uint8_t key[KEY_LEN], struct failure *f);
/* Wipe every secret; use times are written first, as well as that works. */
void tenant_lock(struct tenant *t);

/* Put the vault's present state on disk, or undo the last change and fail. */
int tenant_commit(struct tenant *t, struct failure *f);

#endif
