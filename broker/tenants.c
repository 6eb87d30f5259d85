/*
 * broker/tenants.c - the table of the uids that a broker serves.
 */
#include "broker/tenants.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "broker/broker.h"
#include "vault/arena.h"
#include "vault/slot.h"

/* The locked memory of one tenant: RLIMIT_MEMLOCK divided by TENANTS_MAX, so that the
 * first users leave enough for later ones. */
static size_t arena_share(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), share;
	struct rlimit most;

	if (getrlimit(RLIMIT_MEMLOCK, &most) != 0 ||
	    most.rlim_cur > (rlim_t)ARENA_DEFAULT * (TENANTS_MAX + 1))
		return ARENA_DEFAULT;
	share = ((size_t)most.rlim_cur - ARENA_LEAST) / TENANTS_MAX / page * page;
	return most.rlim_cur < ARENA_LEAST || share < ARENA_LEAST ? ARENA_LEAST : share;
}

/*
 * FAIL_PEER for a subordinate uid: one user has 65,536 of them for containers, and
 * could take every place here.  A list that cannot be read is a refusal too.
 */
static int check_not_subordinate(uid_t uid, struct failure *f)
{
	unsigned long long from, count;
	char *text, *line, *next;
	size_t n;
	int r = 0;

	if (access(SUBORDINATE_UIDS, F_OK) != 0 && errno == ENOENT)
		return 0;
	if (io_slurp(SUBORDINATE_UIDS, SUBORDINATE_MAX, &text, &n, f) != 0)
		return -1;
	for (line = text; line && r == 0; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line = strchr(line, ':');
		r = line && sscanf(line, ":%llu:%llu", &from, &count) == 2 && uid >= from &&
		    uid - from < count;
	}
	free(text);
	return r ? fail_set(f, FAIL_PEER, "connect as the user whose container it is",
			    "uid %u is a subordinate one (" SUBORDINATE_UIDS ")", (unsigned)uid)
		 : 0;
}

/* May its place go to another uid?  Only when nobody is connected and no secret is
 * lost: its vault is locked or, with open, was unlocked unattended and can be again. */
static bool can_be_evicted(const struct tenant *t, bool open)
{
	return t->connections == 0 && !t->kept &&
	       (open ? t->vault && t->opened_unattended : !t->vault);
}

/* Free a place; tenants with an open vault last.  NULL: there is none. */
static struct tenant *evict_tenant(struct broker *b)
{
	struct tenant *t;
	unsigned i;

	for (i = 0; i < 2 * b->tenants; i++) {
		t = &b->tenant[i % b->tenants];
		if (can_be_evicted(t, i >= b->tenants) && tenant_evict(t))
			return t;
	}
	return NULL;
}

static struct tenant *add_tenant(struct broker *b, uid_t uid, struct failure *f)
{
	struct tenant_options options = { .uid = uid,
					  .system = b->system,
					  .arena = b->system ? NULL : b->arena,
					  .room = arena_share(),
					  .auto_unlock = &b->auto_unlock };
	struct tenant *t;

	if (b->system && check_not_subordinate(uid, f) != 0)
		return NULL;
	t = b->tenants < TENANTS_MAX ? &b->tenant[b->tenants] : evict_tenant(b);
	if (!t) {
		fail_set(f, FAIL_BUSY, "use a broker of your own: ccctl init, without --system",
			 "the system broker serves %d users already", TENANTS_MAX);
		return NULL;
	}
	if (tenant_open(t, &options, f) != 0) {
		/* An evicted place in the middle must match no uid. */
		if (t != &b->tenant[b->tenants])
			t->uid = (uid_t)-1;
		return NULL;
	}
	if (t == &b->tenant[b->tenants])
		b->tenants++;
	return t;
}

struct tenant *tenants_find(struct broker *b, uid_t uid)
{
	unsigned i;

	for (i = 0; i < b->tenants; i++)
		if (b->tenant[i].uid == uid)
			return &b->tenant[i];
	return NULL;
}

struct tenant *tenants_get(struct broker *b, uid_t uid, struct failure *f)
{
	struct tenant *t = tenants_find(b, uid);

	if (t)
		return t;
	if (b->system)
		return add_tenant(b, uid, f);
	fail_set(f, FAIL_PEER, "every user has a broker of their own",
		 "this broker does not serve uid %u", (unsigned)uid);
	return NULL;
}

bool tenants_has_vault(const struct broker *b, uid_t uid)
{
	char path[PATH_SIZE];
	struct stat st;

	if (!b->system)
		return false;
	snprintf(path, sizeof(path), SYSTEM_STATE_DIR "/vaults/%u/" STORE_VAULT, (unsigned)uid);
	return lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* Log the start and unlock the vault unattended, unless it was locked before it was
 * evicted.  That it could not be unlocked is logged, and no failure. */
static int unlock_unattended(struct tenant *t, struct failure *f)
{
	struct audit_event e = { .event = "start", .result = "done", .pid = getpid() };
	struct failure why = { 0 };
	enum slot_kind kind = SLOT_KEYFILE;
	enum auto_unlock_result r;

	if (audit_write(&t->audit, &e, f) != 0)
		return -1;
	r = t->lock_reason == LOCK_REASON_START ? auto_unlock_try(t, &kind, &why)
						: AUTO_UNLOCK_NOTHING;
	if (r == AUTO_UNLOCK_NOTHING)
		return 0;
	t->opened_unattended = r == AUTO_UNLOCK_OPENED;
	e.event = "reopen";
	e.result = r == AUTO_UNLOCK_OPENED ? "granted" : fail_name(why.code);
	e.why = r == AUTO_UNLOCK_OPENED ? slot_kind_name(kind) : why.what;
	return audit_write(&t->audit, &e, f);
}

/* Every vault of the system broker that may be unlocked unattended; other tenants are
 * added when their users connect. */
static int open_all_vaults(struct broker *b, struct failure *f)
{
	DIR *d = opendir(SYSTEM_STATE_DIR "/vaults");
	struct dirent *e;
	struct tenant *t;
	char *end, leaf[64];
	unsigned long uid;

	if (!d)
		return errno == ENOENT ? 0 : fail_errno(f, NULL, SYSTEM_STATE_DIR "/vaults");
	while (b->tenants < TENANTS_MAX && (e = readdir(d))) {
		uid = strtoul(e->d_name, &end, 10);
		if (end == e->d_name || *end || uid >= UINT32_MAX)
			continue;
		snprintf(leaf, sizeof(leaf), "%lu/" STORE_KEYFILE, uid);
		if (b->auto_unlock.credentials < 0 && faccessat(dirfd(d), leaf, F_OK, 0) != 0)
			continue;
		/* One tenant's failure must not keep the others from being served. */
		t = add_tenant(b, (uid_t)uid, f);
		if (t)
			(void)unlock_unattended(t, f);
		else
			fail_print("ccbroker", f);
	}
	closedir(d);
	return 0;
}

int tenants_start(struct broker *b, struct failure *f)
{
	char dir[PATH_SIZE] = SYSTEM_STATE_DIR;
	struct tenant *t;

	if (!b->system && path_of(PATH_DATA, NULL, dir, f) != 0)
		return -1;
	if (b->system) {
		auto_unlock_start(&b->auto_unlock, dir);
		return open_all_vaults(b, f);
	}
	t = add_tenant(b, getuid(), f);
	if (!t)
		return -1;
	auto_unlock_start(&b->auto_unlock, dir);
	return unlock_unattended(t, f);
}

void tenants_stop(struct broker *b)
{
	struct audit_event e = { .event = "stop", .result = "done", .pid = getpid() };
	unsigned i;

	for (i = 0; i < b->tenants; i++) {
		if (b->tenant[i].audit.fd >= 0)
			audit_write(&b->tenant[i].audit, &e, NULL);
		tenant_close(&b->tenant[i]);
	}
}
