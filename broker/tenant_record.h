/*
 * broker/tenant_record.h - a tenant's audit log against its checkpoint: written while the
 * vault is open, compared when it is opened.
 */
#ifndef BROKER_TENANT_RECORD_H
#define BROKER_TENANT_RECORD_H

#include <stdint.h>

struct failure;
struct tenant;
struct vault;

/*
 * t->vault was opened from its file: compare the log with its checkpoint, and say in it what
 * is missing.  Nothing that is found keeps the vault closed.
 */
void tenant_record_opened(struct tenant *t);

/* t->vault is a new one: a checkpoint for it, in the place of any other. */
void tenant_record_begin(struct tenant *t);

/*
 * Before the file of vault v in that generation is written: the checkpoint that belongs to
 * it.  0, or -1: the file must not be written, or the checkpoint would seem to be an old one.
 * That of a vault with another key gets a second name until the vault is on the disk, since a
 * crash may leave either key's vault: tenant_record_written or tenant_record_begin follows.
 */
int tenant_record_expect(struct tenant *t, const struct vault *v, uint64_t generation,
			 struct failure *f);

/* It could not be written. */
void tenant_record_unwritten(struct tenant *t);

/* The file of t->vault was written; it may have another key now. */
void tenant_record_written(struct tenant *t);

/* A checkpoint if there are new lines and the last one is a minute old, at now
 * (clock_now_ms()). */
void tenant_record_check(struct tenant *t, int64_t now);

/*
 * The last checkpoint before the vault is locked or the broker ends; forgets the key.
 * generation: of the file that is written next, or that is there.  0 or -1, as
 * tenant_record_expect.
 */
int tenant_record_close(struct tenant *t, uint64_t generation);

#endif
