/*
 * broker/auto_unlock.c - unlock a vault with no person there.
 *
 * MUST: keys are read straight into the arena and leave it wiped; the host's
 * secret half belongs to the broker's uid and is closed to everyone else.
 */
#include "broker/auto_unlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "broker/tenant.h"
#include "broker/tenant_vault.h"
#include "vault/arena.h"
#include "vault/host_key.h"
#include "vault/keyfile.h"
#include "vault/keytext.h"
#include "vault/limits.h"
#include "vault/slot.h"
#include "base/machine_id.h"

#define HOST_KEY "host.key"
#define CREDENTIAL "ccrun.key" /* a prefix: the system broker gets one for each vault */
#define READ_DEADLINE_MS 5000

void auto_unlock_start(struct auto_unlock *o, const char *host_dir)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	o->credentials = dir && dir[0] == '/' ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	o->host = open(host_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	machine_id_read(o->machine, sizeof(o->machine));
}

/*
 * systemd may hand a credential over as root's file with an access list, whose mask
 * shows as the group's read bit.  mine: accept only a file of the broker's own uid.
 */
static bool file_is_private(const struct stat *st, bool mine)
{
	if (!S_ISREG(st->st_mode))
		return false;
	if (!mine && st->st_uid == 0)
		return (st->st_mode & 037) == 0;
	return st->st_uid == geteuid() && (st->st_mode & 077) == 0;
}

enum read_result { READ_FAILED = -1, READ_ABSENT, READ_DONE };

/* A small private file into out, which is in the arena; *n of room bytes. */
static enum read_result read_private_file(int dir, const char *leaf, char *out, size_t room,
					  size_t *n, bool mine, struct failure *f)
{
	struct stat st;
	ssize_t r;
	int fd;

	fd = openat(dir, leaf, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return READ_ABSENT;
	if (fd < 0) {
		fail_errno(f, NULL, "cannot read %s", leaf);
		return READ_FAILED;
	}
	if (fstat(fd, &st) != 0 || !file_is_private(&st, mine)) {
		close(fd);
		fail_set(f, FAIL_UNSAFE_PATH, NULL,
			 "%s can be read by others, or is not the broker's own", leaf);
		fail_hint(f, "chmod 400 it, owned by uid %u", (unsigned)geteuid());
		return READ_FAILED;
	}
	r = io_read_all(fd, out, room, clock_now_ms() + READ_DEADLINE_MS);
	close(fd);
	if (r < 0) {
		fail_errno(f, NULL, "cannot read %s", leaf);
		return READ_FAILED;
	}
	*n = (size_t)r;
	return READ_DONE;
}

/* The host's key pair; secret (HOST_SEED_LEN bytes) is in the arena. */
static enum read_result read_host_keys(struct tenant *t, uint8_t public[HOST_PUBLIC_LEN],
				       uint8_t *secret, struct failure *f)
{
	char *text = arena_alloc(t->arena, HOST_SECRET_TEXT, f);
	uint8_t *seed = arena_alloc(t->arena, HOST_SEED_LEN, f);
	enum read_result r = READ_FAILED;
	size_t n = 0;

	if (text && seed) {
		r = READ_ABSENT;
		if (t->auto_unlock->host >= 0)
			r = read_private_file(t->auto_unlock->host, HOST_KEY, text,
					      HOST_SECRET_TEXT, &n, true, f);
		if (r == READ_DONE && host_secret_parse(text, n, seed, f) != 0)
			r = READ_FAILED;
		if (r == READ_DONE)
			host_pair(seed, t->auto_unlock->machine, public, secret);
	}
	arena_release(t->arena, text);
	arena_release(t->arena, seed);
	return r;
}

int auto_unlock_host_public(struct tenant *t, uint8_t public[HOST_PUBLIC_LEN], struct failure *f)
{
	uint8_t *secret = arena_alloc(t->arena, HOST_SEED_LEN, f);
	enum read_result r = secret ? read_host_keys(t, public, secret, f) : READ_FAILED;

	arena_release(t->arena, secret);
	if (r == READ_ABSENT)
		return fail_set(f, FAIL_NO_ENTRY,
				t->system ? "as root: ccctl host init --system" : "ccctl host init",
				"this host has no key pair yet");
	return r == READ_DONE ? 0 : -1;
}

/* The key in a keyfile for t's vault, into key (KEY_LEN bytes in the arena), and its
 * slot.  0 or -1. */
static int open_keyfile(struct tenant *t, const uint8_t *file, size_t n, uint8_t *key,
			uint32_t *slot, struct failure *f)
{
	uint8_t public[HOST_PUBLIC_LEN], *secret;
	struct vault_public *pub = NULL;
	struct keyfile_info info;
	enum read_result have;
	int r = -1;

	secret = arena_alloc(t->arena, HOST_SEED_LEN, f);
	pub = malloc(sizeof(*pub));
	if (!secret || !pub || keyfile_inspect(file, n, &info, f) != 0 ||
	    tenant_inspect_vault(t, pub, f) != 0)
		goto out;
	if (memcmp(pub->id, info.vault, VAULT_ID_LEN) != 0) {
		fail_set(f, FAIL_WRONG_KEY, "ccctl slot add keyfile makes one for this vault",
			 "the keyfile is another vault's");
		goto out;
	}
	have = read_host_keys(t, public, secret, f);
	if (have == READ_ABSENT)
		fail_set(f, FAIL_NO_ENTRY, "put host.key back, or ccctl host init and seal anew",
			 "the keyfile cannot be opened: this host has no key pair");
	if (have == READ_DONE)
		r = keyfile_open(file, n, public, secret, key, f);
	*slot = info.slot;
out:
	free(pub);
	arena_release(t->arena, secret);
	return r;
}

int auto_unlock_check_keyfile(struct tenant *t, const uint8_t *keyfile, size_t n, struct failure *f)
{
	uint8_t *key = arena_alloc(t->arena, KEY_LEN, f);
	uint32_t slot = 0;
	int r = -1;

	if (key && open_keyfile(t, keyfile, n, key, &slot, f) == 0)
		r = tenant_check_key(t, slot, key, f);
	arena_release(t->arena, key);
	return r;
}

static enum auto_unlock_result try_keyfile(struct tenant *t, const char *leaf, struct failure *f)
{
	uint8_t file[KEYFILE_LEN + 1], *key;
	uint32_t slot = 0;
	size_t n = 0;
	enum store_read_result r;
	bool opened;

	r = store_read_beside(&t->store, leaf, file, sizeof(file), &n, f);
	if (r != STORE_READ_DONE)
		return r == STORE_READ_FAILED ? AUTO_UNLOCK_FAILED : AUTO_UNLOCK_NOTHING;
	key = arena_alloc(t->arena, KEY_LEN, f);
	opened = key && open_keyfile(t, file, n, key, &slot, f) == 0 &&
		 tenant_unlock(t, slot, key, false, f) == 0;
	arena_release(t->arena, key);
	return opened ? AUTO_UNLOCK_OPENED : AUTO_UNLOCK_FAILED;
}

/* One credential: is it for this vault, and does it open it? */
static enum auto_unlock_result try_credential(struct tenant *t, const char *leaf,
					      const uint8_t vault[VAULT_ID_LEN], struct failure *f)
{
	char *text = arena_alloc(t->arena, KEYTEXT_MAX, f);
	uint8_t *key = arena_alloc(t->arena, KEY_LEN, f), id[VAULT_ID_LEN];
	uint32_t slot = 0;
	enum auto_unlock_result result = AUTO_UNLOCK_FAILED;
	enum read_result r = READ_FAILED;
	size_t n = 0;

	if (text && key)
		r = read_private_file(t->auto_unlock->credentials, leaf, text, KEYTEXT_MAX, &n,
				      false, f);
	if (r == READ_ABSENT) {
		result = AUTO_UNLOCK_NOTHING;
	} else if (r == READ_DONE && keytext_parse(text, n, id, &slot, key, f) == 0) {
		/* The system broker is handed the credentials of every vault. */
		if (memcmp(id, vault, VAULT_ID_LEN) != 0 && t->system)
			result = AUTO_UNLOCK_NOTHING;
		else if (memcmp(id, vault, VAULT_ID_LEN) != 0)
			fail_set(f, FAIL_WRONG_KEY,
				 "ccctl slot add credential makes one for this vault",
				 "the credential %.60s is another vault's", leaf);
		else if (tenant_unlock(t, slot, key, false, f) == 0)
			result = AUTO_UNLOCK_OPENED;
	}
	arena_release(t->arena, text);
	arena_release(t->arena, key);
	return result;
}

static enum auto_unlock_result try_credentials(struct tenant *t, struct failure *f)
{
	struct vault_public *pub;
	struct dirent *e;
	DIR *d = NULL;
	enum auto_unlock_result one, r = AUTO_UNLOCK_NOTHING;
	int fd;

	if (t->auto_unlock->credentials < 0)
		return AUTO_UNLOCK_NOTHING;
	fd = openat(t->auto_unlock->credentials, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pub = malloc(sizeof(*pub));
	if (fd >= 0)
		d = fdopendir(fd);
	if (!d || !pub) {
		fail_errno(f, NULL, "cannot read $CREDENTIALS_DIRECTORY");
		r = AUTO_UNLOCK_FAILED;
		if (fd >= 0 && !d)
			close(fd);
	} else if (tenant_inspect_vault(t, pub, f) != 0) {
		r = AUTO_UNLOCK_FAILED;
	} else {
		while (r != AUTO_UNLOCK_OPENED && (e = readdir(d))) {
			if (strncmp(e->d_name, CREDENTIAL, strlen(CREDENTIAL)) != 0)
				continue;
			one = try_credential(t, e->d_name, pub->id, f);
			r = one != AUTO_UNLOCK_NOTHING ? one : r;
		}
	}
	if (d)
		closedir(d);
	free(pub);
	return r;
}

enum auto_unlock_result auto_unlock_try(struct tenant *t, enum slot_kind *kind, struct failure *f)
{
	struct failure first = { 0 };
	enum auto_unlock_result r;

	if (store_presence(&t->store) == STORE_ABSENT)
		return AUTO_UNLOCK_NOTHING;
	r = try_credentials(t, &first);
	if (r == AUTO_UNLOCK_OPENED && kind)
		*kind = SLOT_CREDENTIAL;
	if (r == AUTO_UNLOCK_OPENED)
		return r;
	r = try_keyfile(t, STORE_KEYFILE, f);
	/* A change of the vault was cut short: if the keyfile written for it opens the
	 * vault, it becomes the keyfile. */
	if (r != AUTO_UNLOCK_OPENED &&
	    try_keyfile(t, STORE_KEYFILE_NEXT, NULL) == AUTO_UNLOCK_OPENED) {
		store_rename_beside(&t->store, STORE_KEYFILE_NEXT, STORE_KEYFILE, NULL);
		r = AUTO_UNLOCK_OPENED;
	}
	if (r == AUTO_UNLOCK_OPENED && kind)
		*kind = SLOT_KEYFILE;
	/* When both failed, report the credential, which is tried first. */
	if (r != AUTO_UNLOCK_OPENED && first.code != FAIL_NONE) {
		if (f)
			*f = first;
		return AUTO_UNLOCK_FAILED;
	}
	return r;
}
