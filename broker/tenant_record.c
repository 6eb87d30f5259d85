/*
 * broker/tenant_record.c - write the checkpoint of a tenant's audit log, and compare them.
 */
#include "broker/tenant_record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "broker/checkpoint.h"
#include "broker/tenant.h"
#include "vault/arena.h"
#include "vault/crypto.h"
#include "vault/vault.h"

#define PURPOSE "ccrun record checkpoint 1"
#define APART_MS 60000 /* a write costs three syncs: of the log, the file, the directory */

/* The checkpoint of the log as it is, for the vault of that id, into that file. */
static int checkpoint_store(struct tenant *t, const char *leaf, struct checkpoint *c,
			    const uint8_t *vault, const uint8_t key[KEY_LEN], struct failure *f)
{
	char text[CHECKPOINT_TEXT];
	size_t n;

	c->seq = t->audit.seq;
	c->at = (uint64_t)time(NULL);
	memcpy(c->vault, vault, VAULT_ID_LEN);
	memcpy(c->hash, t->audit.hash, sizeof(c->hash));
	n = checkpoint_format(c, key, text);
	return audit_sync(&t->audit, f) == 0 ? store_write_beside(&t->store, leaf, text, n, f) : -1;
}

static int checkpoint_write(struct tenant *t, uint64_t generation, struct failure *f)
{
	struct checkpoint c = { .generation = generation };

	t->record.due_ms = 0;
	if (checkpoint_store(t, STORE_CHECKPOINT, &c, t->record.vault, t->record.key, f) != 0)
		return -1;
	t->record.last = c;
	return 0;
}

/* That of a vault whose key the tenant does not have yet. */
static int checkpoint_write_next(struct tenant *t, const struct vault *v, uint64_t generation,
				 struct failure *f)
{
	struct checkpoint c = { .generation = generation };
	uint8_t key[KEY_LEN];
	int r;

	vault_derive_key(v, PURPOSE, key);
	r = checkpoint_store(t, STORE_CHECKPOINT_NEXT, &c, vault_id(v), key, f);
	explicit_bzero(key, sizeof(key));
	return r;
}

static void key_forget(struct tenant *t)
{
	arena_release(t->arena, t->record.key);
	t->record.key = NULL;
}

/* In the arena, like the key that it comes from.  Without it no checkpoint is kept. */
static bool key_take(struct tenant *t)
{
	key_forget(t);
	t->record.key = arena_alloc(t->arena, KEY_LEN, NULL);
	if (t->record.key) {
		vault_derive_key(t->vault, PURPOSE, t->record.key);
		memcpy(t->record.vault, vault_id(t->vault), VAULT_ID_LEN);
	}
	return t->record.key != NULL;
}

static bool key_is_of(const struct tenant *t, const struct vault *v)
{
	uint8_t key[KEY_LEN];
	bool same;

	if (!t->record.key)
		return false;
	vault_derive_key(v, PURPOSE, key);
	same = secret_equal(key, t->record.key, KEY_LEN);
	explicit_bzero(key, sizeof(key));
	return same;
}

/* ---- comparing ---- */

/* What is wrong with the checkpoint in that file, or NULL. */
static const char *checkpoint_read_file(struct tenant *t, const char *leaf, struct checkpoint *c)
{
	char text[CHECKPOINT_TEXT];
	size_t n = 0;

	switch (store_read_beside(&t->store, leaf, text, sizeof(text), &n, NULL)) {
	case STORE_READ_ABSENT:
		/* Both are true where nobody did anything, too. */
		return vault_had_checkpoint(t->vault) ? "the log's checkpoint is gone, which this "
							"vault was kept with: removed, or "
							"the vault was copied without it"
						      : "the log has no checkpoint yet, as after "
							"an upgrade from a ccrun that "
							"kept none; or it was removed";
	case STORE_READ_FAILED:
		return "the log's checkpoint cannot be read";
	case STORE_READ_DONE:
		break;
	}
	return checkpoint_parse(c, t->record.key, text, n)
		       ? NULL
		       : "the log's checkpoint is damaged, or is not of this vault's key";
}

/* What is wrong with the checkpoint itself, or NULL. */
static const char *checkpoint_read(struct tenant *t, struct checkpoint *c)
{
	const char *unusable = checkpoint_read_file(t, STORE_CHECKPOINT, c);
	struct checkpoint next;

	/* A crash came between the vault's file and its checkpoint.  The one before is of another
	 * key then, or of what the vault was before it was elsewhere. */
	if ((unusable || c->generation < vault_generation(t->vault)) &&
	    checkpoint_read_file(t, STORE_CHECKPOINT_NEXT, &next) == NULL &&
	    (unusable || next.generation > c->generation)) {
		*c = next;
		unusable = NULL;
	}
	return unusable;
}

/*
 * Was the checkpoint put back?  Every file of the vault has a checkpoint that was written
 * before it, so an older one than the vault is not the last.
 */
static bool checkpoint_is_old(const struct tenant *t, const struct checkpoint *c,
			      char why[AUDIT_NEWS])
{
	uint64_t generation = vault_generation(t->vault);

	if (c->generation >= generation && c->seq >= t->record.last.seq)
		return false;
	snprintf(why, AUDIT_NEWS,
		 "the log's checkpoint is an old one (of the vault's generation %" PRIu64
		 ", which has %" PRIu64 "): put back, or not kept by an older ccrun",
		 c->generation, generation);
	return true;
}

/* The log against its checkpoint: how many lines are missing (0: that cannot be told), and
 * why.  The result of that event; NULL: it is ahead of it, or even with it. */
static const char *log_is_cut(const struct tenant *t, const struct checkpoint *c, uint64_t *missing,
			      char why[AUDIT_NEWS])
{
	char hash[AUDIT_HASH_HEX + 1];
	int there = audit_find(&t->audit, c->seq, hash);

	*missing = 0;
	if (there < 0) {
		snprintf(why, AUDIT_NEWS, "the log cannot be read: it was not compared");
		return "unknown";
	}
	if (c->seq == 0 || (there && strcmp(hash, c->hash) == 0))
		return NULL;
	/* When this broker started, or when it was written since. */
	if (t->record.last.seq == 0 && t->audit.opened < c->seq) {
		*missing = c->seq - t->audit.opened;
		snprintf(why, AUDIT_NEWS,
			 t->audit.opened ? "the last %" PRIu64
					   " lines of the log are missing: cut off, or lost by the "
					   "disk"
					 : "the log is missing, all of its %" PRIu64 " lines",
			 *missing);
	} else if (there) {
		snprintf(why, AUDIT_NEWS,
			 "line %" PRIu64 " is not the one that was there: this is another log",
			 c->seq);
	} else {
		snprintf(why, AUDIT_NEWS,
			 "line %" PRIu64 " is gone: the log was replaced, or outgrew its two parts",
			 c->seq);
	}
	return "found";
}

static void report_old_vault(struct tenant *t, const struct checkpoint *c)
{
	char why[AUDIT_NEWS];
	struct audit_event e = { .event = "vault-old", .result = "found", .why = why };

	snprintf(why, sizeof(why),
		 "the vault's file is an older one: generation %" PRIu64 ", and %" PRIu64
		 " was written",
		 vault_generation(t->vault), c->generation);
	audit_write(&t->audit, &e, NULL);
}

/* True: something is on the log about it. */
static bool record_compare(struct tenant *t)
{
	char why[AUDIT_NEWS];
	struct checkpoint c;
	uint64_t missing = 0;
	const char *unusable = checkpoint_read(t, &c), *result;

	if (unusable) {
		audit_report_loss(&t->audit, "unknown", 0, unusable, NULL);
		return true;
	}
	result = checkpoint_is_old(t, &c, why) ? "found" : log_is_cut(t, &c, &missing, why);
	if (result) {
		audit_report_loss(&t->audit, result, missing, why, NULL);
		return true;
	}
	/* One more was announced and not written, perhaps. */
	if (c.generation > vault_generation(t->vault) + 1) {
		report_old_vault(t, &c);
		return true;
	}
	t->record.last = c;
	return false;
}

static bool checkpoint_is_next(const struct tenant *t)
{
	return faccessat(t->store.dir, STORE_CHECKPOINT_NEXT, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void checkpoint_drop_next(struct tenant *t)
{
	if (checkpoint_is_next(t))
		store_remove_beside(&t->store, STORE_CHECKPOINT_NEXT, NULL);
}

void tenant_record_opened(struct tenant *t)
{
	if (!key_take(t))
		return;
	/* Else the next unlock would say it again. */
	if (record_compare(t) || checkpoint_is_next(t))
		checkpoint_write(t, vault_generation(t->vault), NULL);
	checkpoint_drop_next(t);
}

/* ---- writing ---- */

void tenant_record_begin(struct tenant *t)
{
	if (key_take(t))
		checkpoint_write(t, vault_generation(t->vault), NULL);
	checkpoint_drop_next(t);
}

int tenant_record_expect(struct tenant *t, const struct vault *v, uint64_t generation,
			 struct failure *f)
{
	return key_is_of(t, v) ? checkpoint_write(t, generation, f)
			       : checkpoint_write_next(t, v, generation, f);
}

void tenant_record_unwritten(struct tenant *t)
{
	checkpoint_drop_next(t);
}

void tenant_record_written(struct tenant *t)
{
	if (!t->record.key || !key_is_of(t, t->vault))
		tenant_record_begin(t);
}

void tenant_record_check(struct tenant *t, int64_t now)
{
	if (!t->record.key || !t->vault || t->audit.seq == t->record.last.seq)
		return;
	if (t->record.due_ms == 0)
		t->record.due_ms = now + APART_MS;
	else if (now >= t->record.due_ms)
		checkpoint_write(t, vault_generation(t->vault), NULL);
}

int tenant_record_close(struct tenant *t, uint64_t generation)
{
	int r = 0;

	if (t->record.key &&
	    (t->record.last.seq != t->audit.seq || t->record.last.generation < generation))
		r = checkpoint_write(t, generation, NULL);
	key_forget(t);
	return r;
}
