/*
 * broker/tenant_lock.h - lock a tenant's vault: by request, by an event, by time.
 */
#ifndef BROKER_TENANT_LOCK_H
#define BROKER_TENANT_LOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "broker/auto_lock.h"

struct tenant;

/*
 * Wipe every secret (an automatic lock spares entries with keep = yes), then write it to
 * the audit log, then try to write that one's checkpoint and the use times.  The key of
 * checkpoints is wiped after that: nobody reads the vault by it.  pid: who asked, or 0.  A vault
 * that is locked already keeps the time and reason of the first lock, unless this
 * one wipes kept entries, or keeps a fresh broker from unlocking it by itself.
 */
void tenant_lock(struct tenant *t, enum lock_reason why, pid_t pid);

/*
 * The two halves of tenant_lock, for one that locks many: wipe all of them first, so
 * that no vault stays open while another's use times are written.  tenant_lock_wipe
 * fills l, and tenant_lock_write must follow, which frees it.
 */
struct tenant_lock {
	enum lock_reason why;
	uint8_t *use_times; /* the sealed vault to be written, or NULL */
	size_t n;
	uint64_t generation; /* of that file, or of the one that is there */
};
void tenant_lock_wipe(struct tenant *t, enum lock_reason why, struct tenant_lock *l);
void tenant_lock_write(struct tenant *t, struct tenant_lock *l, pid_t pid);

/* Wipe every secret and write the use times, but tell nobody: the tenant is closed. */
void tenant_lock_untold(struct tenant *t);

/*
 * Lock the vault if that is due at now (clock_now_ms()), and put tokens to sleep whose
 * ttl is over.  Cheap: called before every request, so that no secret is served
 * late and no request keeps open what was due before it came.
 */
void tenant_apply_timeouts(struct tenant *t, int64_t now);

#endif
