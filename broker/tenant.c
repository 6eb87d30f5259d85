/*
 * broker/tenant.c - one uid's vault: opening, locking, committing.
 */
#include "broker/tenant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "secure/arena.h"

int tenant_open(struct tenant *t, uid_t uid, struct arena *a, struct failure *f)
{
	char dir[PATH_SIZE];

	memset(t, 0, sizeof(*t));
	t->uid = uid;
	t->arena = a;
	t->record.fd = -1;
	t->store.dir = t->store.lock = -1;
	if (path_of(PATH_DATA, NULL, dir, f) != 0 || store_open(&t->store, dir, f) != 0)
		return -1;
	if (path_of(PATH_STATE, NULL, dir, f) != 0 || record_open(&t->record, dir, f) != 0) {
		store_close(&t->store);
		return -1;
	}
	return 0;
}

void tenant_close(struct tenant *t)
{
	tenant_lock(t);
	record_close(&t->record);
	store_close(&t->store);
}

const char *tenant_state(const struct tenant *t)
{
	if (t->vault)
		return "unlocked";
	return store_exists(&t->store) == 0 ? "none" : "locked";
}

int tenant_need_open(const struct tenant *t, struct failure *f)
{
	if (t->vault)
		return 0;
	if (store_exists(&t->store) == 0)
		return fail_set(f, FAIL_NO_VAULT, "ccctl init makes one", "there is no vault yet");
	return fail_set(f, FAIL_LOCKED, "ccctl unlock", "the vault is locked");
}

int tenant_inspect(struct tenant *t, struct vault_public *out, struct failure *f)
{
	uint8_t *file;
	size_t n;
	int r;

	if (store_read(&t->store, &file, &n, f) != 0)
		return -1;
	r = vault_inspect(file, n, out, f);
	free(file);
	if (r != 0)
		store_explain(&t->store, f);
	return r;
}

static int write_vault(struct tenant *t, struct vault *v, struct failure *f)
{
	uint8_t *file;
	size_t n;
	int r;

	if (vault_seal(v, &file, &n, f) != 0)
		return -1;
	r = store_write(&t->store, file, n, f);
	free(file);
	if (r == 0)
		vault_sealed(v);
	return r;
}

int tenant_init(struct tenant *t, struct slot_info *slot, const uint8_t key[KEY_LEN],
		struct failure *f)
{
	struct vault *v;

	if (t->vault)
		return fail_set(f, FAIL_EXISTS, "ccctl lock forgets it", "a vault is open already: %s",
				t->store.path);
	if (store_exists(&t->store) != 0)
		return fail_set(f, FAIL_EXISTS, "ccctl unlock opens it", "there is a vault already: %s",
				t->store.path);
	v = vault_create(t->arena, slot, key, f);
	if (!v)
		return -1;
	if (write_vault(t, v, f) != 0) {
		vault_free(v);
		return -1;
	}
	t->vault = v;
	return 0;
}

int tenant_unlock(struct tenant *t, uint32_t slot, const uint8_t key[KEY_LEN], struct failure *f)
{
	struct vault *v;
	uint8_t *file;
	size_t n;

	if (!arena_verify(t->arena))
		return fail_set(f, FAIL_NOT_LOCKED_MEM, "start the broker again: ccctl unlock",
				"the kernel no longer holds the broker's memory locked");
	if (store_read(&t->store, &file, &n, f) != 0)
		return -1;
	v = vault_open(t->arena, file, n, slot, key, f);
	free(file);
	if (!v) {
		store_explain(&t->store, f);
		return -1;
	}
	store_adopt(&t->store);
	/* Opened twice: the newer view of the file wins. */
	vault_free(t->vault);
	t->vault = v;
	return 0;
}

void tenant_lock(struct tenant *t)
{
	/* Use times are a convenience: a full disk must not keep it from locking. */
	if (t->vault && t->use_times_changed)
		write_vault(t, t->vault, NULL);
	t->use_times_changed = false;
	vault_free(t->vault);
	t->vault = NULL;
}

int tenant_commit(struct tenant *t, struct failure *f)
{
	if (write_vault(t, t->vault, f) == 0)
		return 0;
	vault_undo(t->vault);
	return -1;
}
