/*
 * broker/own.c - opening a vault with no person there.
 *
 * MUST: keys are read straight into the arena and leave it wiped; the host's
 * secret half belongs to the broker's uid and is closed to everyone else.
 */
#include "broker/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/machine_id.h"
#include "broker/tenant.h"
#include "vault/arena.h"
#include "vault/keyfile.h"
#include "vault/keytext.h"

#define HOST_KEY "host.key"
#define CREDENTIAL "ccrun.key" /* and what begins so: a system broker gets one a vault */
#define READ_DEADLINE_MS 5000

void own_start(struct own *o, const char *host_dir)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	o->credentials = dir && dir[0] == '/' ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	o->host = open(host_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	machine_id_read(o->machine, sizeof(o->machine));
}

/*
 * A service manager may hand a credential over as root's file with an access
 * list, whose mask shows as the group's bit.  mine: only our own will do.
 */
static bool is_private(const struct stat *st, bool mine)
{
	if (!S_ISREG(st->st_mode))
		return false;
	if (!mine && st->st_uid == 0)
		return (st->st_mode & 037) == 0;
	return st->st_uid == geteuid() && (st->st_mode & 077) == 0;
}

/* A small private file into the arena.  1 read, 0 not there, -1. */
static int read_private(int dir, const char *leaf, char *out, size_t room, size_t *n,
			bool mine, struct failure *f)
{
	struct stat st;
	ssize_t r;
	int fd;

	fd = openat(dir, leaf, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? 0 : fail_errno(f, NULL, "%s", leaf);
	if (fstat(fd, &st) != 0 || !is_private(&st, mine)) {
		close(fd);
		fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s can be read by others, or is not the broker's own",
			 leaf);
		fail_hint(f, "chmod 400 it, owned by uid %u", (unsigned)geteuid());
		return -1;
	}
	r = io_read_all(fd, out, room, io_now_ms() + READ_DEADLINE_MS);
	close(fd);
	if (r < 0)
		return fail_errno(f, NULL, "%s", leaf);
	*n = (size_t)r;
	return 1;
}

/* The host's pair; secret is in the arena.  1 there is one, 0 none, -1. */
static int host_keys(struct tenant *t, uint8_t public[HOST_PUBLIC_LEN], uint8_t *secret,
		     struct failure *f)
{
	char *text = arena_alloc(t->arena, HOST_SECRET_TEXT, f);
	uint8_t *seed = arena_alloc(t->arena, HOST_SEED_LEN, f);
	size_t n = 0;
	int r = -1;

	if (text && seed) {
		r = t->own->host < 0 ? 0
				     : read_private(t->own->host, HOST_KEY, text, HOST_SECRET_TEXT, &n, true, f);
		if (r == 1 && host_secret_parse(text, n, seed, f) != 0)
			r = -1;
		if (r == 1)
			host_pair(seed, t->own->machine, public, secret);
	}
	arena_release(t->arena, text);
	arena_release(t->arena, seed);
	return r;
}

int own_host(struct tenant *t, uint8_t public[HOST_PUBLIC_LEN], struct failure *f)
{
	uint8_t *secret = arena_alloc(t->arena, HOST_SEED_LEN, f);
	int r = secret ? host_keys(t, public, secret, f) : -1;

	arena_release(t->arena, secret);
	if (r == 0)
		return fail_set(f, FAIL_NO_ENTRY, t->system ? "as root: ccctl host init --system"
							     : "ccctl host init",
				"this host has no key pair yet");
	return r == 1 ? 0 : -1;
}

/* The slot's key that a keyfile holds.  0 or -1. */
static int keyfile_key(struct tenant *t, const uint8_t *file, size_t n, uint8_t *key, uint32_t *slot,
		       struct failure *f)
{
	uint8_t public[HOST_PUBLIC_LEN], *secret;
	struct vault_public *pub = NULL;
	struct keyfile_info info;
	int r = -1;

	secret = arena_alloc(t->arena, HOST_SEED_LEN, f);
	pub = malloc(sizeof(*pub));
	if (!secret || !pub || keyfile_inspect(file, n, &info, f) != 0 || tenant_inspect(t, pub, f) != 0)
		goto out;
	if (memcmp(pub->id, info.vault, VAULT_ID_LEN) != 0) {
		fail_set(f, FAIL_WRONG_KEY, "ccctl slot add keyfile makes one for this vault",
			 "the keyfile is another vault's");
		goto out;
	}
	r = host_keys(t, public, secret, f);
	if (r == 0)
		fail_set(f, FAIL_NO_ENTRY, "put host.key back, or ccctl host init and seal anew",
			 "the keyfile cannot be opened: this host has no key pair");
	r = r == 1 ? keyfile_open(file, n, public, secret, key, f) : -1;
	*slot = info.slot;
out:
	free(pub);
	arena_release(t->arena, secret);
	return r;
}

int own_check_keyfile(struct tenant *t, const uint8_t *keyfile, size_t n, struct failure *f)
{
	uint8_t *key = arena_alloc(t->arena, KEY_LEN, f);
	uint32_t slot = 0;
	int r = -1;

	if (key && keyfile_key(t, keyfile, n, key, &slot, f) == 0)
		r = tenant_try(t, slot, key, f);
	arena_release(t->arena, key);
	return r;
}

static enum own_result open_keyfile(struct tenant *t, const char *leaf, struct failure *f)
{
	uint8_t file[KEYFILE_LEN + 1], *key;
	uint32_t slot = 0;
	size_t n = 0;
	int there;
	bool opened;

	there = store_read_beside(&t->store, leaf, file, sizeof(file), &n, f);
	if (there != 1)
		return there < 0 ? OWN_FAILED : OWN_NOTHING;
	key = arena_alloc(t->arena, KEY_LEN, f);
	opened = key && keyfile_key(t, file, n, key, &slot, f) == 0 && tenant_unlock(t, slot, key, f) == 0;
	arena_release(t->arena, key);
	return opened ? OWN_OPENED : OWN_FAILED;
}

/* One credential: is it for this vault, and does it open it? */
static enum own_result try_credential(struct tenant *t, const char *leaf,
				      const uint8_t vault[VAULT_ID_LEN], struct failure *f)
{
	char *text = arena_alloc(t->arena, KEYTEXT_MAX, f);
	uint8_t *key = arena_alloc(t->arena, KEY_LEN, f), id[VAULT_ID_LEN];
	uint32_t slot = 0;
	size_t n = 0;
	int r = -1;

	if (text && key)
		r = read_private(t->own->credentials, leaf, text, KEYTEXT_MAX, &n, false, f);
	if (r == 1 && keytext_parse(text, n, id, &slot, key, f) != 0)
		r = -1;
	/* A system broker is handed everybody's. */
	if (r == 1 && memcmp(id, vault, VAULT_ID_LEN) != 0)
		r = t->system ? 0 : fail_set(f, FAIL_WRONG_KEY, "ccctl slot add credential makes one for this vault",
			     "the credential %.60s is another vault's", leaf);
	if (r == 1 && tenant_unlock(t, slot, key, f) != 0)
		r = -1;
	arena_release(t->arena, text);
	arena_release(t->arena, key);
	return r < 0 ? OWN_FAILED : r == 1 ? OWN_OPENED : OWN_NOTHING;
}

static enum own_result open_credential(struct tenant *t, struct failure *f)
{
	struct vault_public *pub;
	struct dirent *e;
	DIR *d = NULL;
	enum own_result one, r = OWN_NOTHING;
	int fd;

	if (t->own->credentials < 0)
		return OWN_NOTHING;
	fd = openat(t->own->credentials, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pub = malloc(sizeof(*pub));
	if (fd >= 0)
		d = fdopendir(fd);
	if (!d || !pub) {
		fail_errno(f, NULL, "the credentials directory");
		r = OWN_FAILED;
		if (fd >= 0 && !d)
			close(fd);
	} else if (tenant_inspect(t, pub, f) != 0) {
		r = OWN_FAILED;
	} else {
		while (r != OWN_OPENED && (e = readdir(d))) {
			if (strncmp(e->d_name, CREDENTIAL, strlen(CREDENTIAL)) != 0)
				continue;
			one = try_credential(t, e->d_name, pub->id, f);
			r = one != OWN_NOTHING ? one : r;
		}
	}
	if (d)
		closedir(d);
	free(pub);
	return r;
}

enum own_result own_open(struct tenant *t, enum slot_kind *kind, struct failure *f)
{
	struct failure first = { 0 };
	enum own_result r;

	if (store_exists(&t->store) == 0)
		return OWN_NOTHING;
	r = open_credential(t, &first);
	if (r == OWN_OPENED && kind)
		*kind = SLOT_CREDENTIAL;
	if (r == OWN_OPENED)
		return r;
	r = open_keyfile(t, STORE_KEYFILE, f);
	/* A change was cut short: the other one opens it, and is the one from now on. */
	if (r != OWN_OPENED && open_keyfile(t, STORE_KEYFILE_NEXT, NULL) == OWN_OPENED) {
		store_rename_beside(&t->store, STORE_KEYFILE_NEXT, STORE_KEYFILE, NULL);
		r = OWN_OPENED;
	}
	if (r == OWN_OPENED && kind)
		*kind = SLOT_KEYFILE;
	/* Of two that failed the first is told: it is the one that was to do it. */
	if (r != OWN_OPENED && first.code != FAIL_NONE) {
		if (f)
			*f = first;
		return OWN_FAILED;
	}
	return r;
}
