/*
 * broker/tenants.c - whom a broker serves.
 */
#include "broker/tenants.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "broker/broker.h"
#include "vault/arena.h"
#include "vault/slot.h"

/* Locked memory for each of TENANTS_MAX: early users leave later ones theirs. */
static size_t arena_share(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), share;
	struct rlimit most;

	if (getrlimit(RLIMIT_MEMLOCK, &most) != 0 || most.rlim_cur > (rlim_t)ARENA_DEFAULT * (TENANTS_MAX + 1))
		return ARENA_DEFAULT;
	share = ((size_t)most.rlim_cur - ARENA_LEAST) / TENANTS_MAX / page * page;
	return most.rlim_cur < ARENA_LEAST || share < ARENA_LEAST ? ARENA_LEAST : share;
}

/*
 * Subordinate uids are no users: one person has 65,536 of them, to run containers
 * with, and would take every place here.  1, 0, -1 (what cannot be read is a no).
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
		r = line && sscanf(line, ":%llu:%llu", &from, &count) == 2 && uid >= from && uid - from < count;
	}
	free(text);
	return r ? fail_set(f, FAIL_PEER, "connect as the user whose container it is",
			    "uid %u is a subordinate one (" SUBORDINATE_UIDS ")", (unsigned)uid)
		 : 0;
}

/* Nobody uses it, and it can be the same when its user comes again: closed, or
 * opened with no person there. */
static bool can_be_evicted(const struct tenant *t, bool open)
{
	return t->connections == 0 && !t->kept && (open ? t->vault && t->alone : !t->vault);
}

/* A place that somebody leaves; those with an open vault last. */
static struct tenant *evict_tenant(struct broker *b)
{
	unsigned i;

	for (i = 0; i < 2 * b->tenants; i++)
		if (can_be_evicted(&b->tenant[i % b->tenants], i >= b->tenants) && tenant_evict(&b->tenant[i % b->tenants]))
			return &b->tenant[i % b->tenants];
	return NULL;
}

static struct tenant *add_tenant(struct broker *b, uid_t uid, struct failure *f)
{
	struct tenant_options where = { uid, b->system, b->system ? NULL : b->arena, arena_share(), &b->own };
	struct tenant *t;

	if (b->system && check_not_subordinate(uid, f) != 0)
		return NULL;
	t = b->tenants < TENANTS_MAX ? &b->tenant[b->tenants] : evict_tenant(b);
	if (!t) {
		fail_set(f, FAIL_BUSY, "use a broker of your own: ccctl init, without --system",
			 "the system broker serves %d users already", TENANTS_MAX);
		return NULL;
	}
	if (tenant_open(t, &where, f) != 0) {
		/* A hole would be served to somebody: the last one fills it. */
		if (t != &b->tenant[b->tenants])
			t->uid = (uid_t)-1;
		return NULL;
	}
	if (t == &b->tenant[b->tenants])
		b->tenants++;
	return t;
}

struct tenant *tenants_get(struct broker *b, uid_t uid, struct failure *f)
{
	unsigned i;

	for (i = 0; i < b->tenants; i++)
		if (b->tenant[i].uid == uid)
			return &b->tenant[i];
	if (b->system)
		return add_tenant(b, uid, f);
	fail_set(f, FAIL_PEER, "every user has a broker of their own", "this broker does not serve uid %u",
		 (unsigned)uid);
	return NULL;
}

/* With no person there, unless a person locked it before it lost its place.  That
 * it could not be is on record, and no failure. */
static int unlock_unattended(struct tenant *t, struct failure *f)
{
	struct audit_event e = { .event = "start", .result = "done", .pid = getpid() };
	struct failure why = { 0 };
	enum slot_kind kind = SLOT_KEYFILE;
	enum auto_unlock_result r;

	if (audit_write(&t->record, &e, f) != 0)
		return -1;
	r = t->why == LOCK_REASON_START ? auto_unlock_try(t, &kind, &why) : AUTO_UNLOCK_NOTHING;
	if (r == AUTO_UNLOCK_NOTHING)
		return 0;
	t->alone = r == AUTO_UNLOCK_OPENED;
	e.event = "reopen";
	e.result = r == AUTO_UNLOCK_OPENED ? "granted" : fail_name(why.code);
	e.why = r == AUTO_UNLOCK_OPENED ? slot_kind_name(kind) : why.what;
	return audit_write(&t->record, &e, f);
}

/* Every vault of a system broker that could be opened now; the others when
 * their users come. */
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
		if (b->own.credentials < 0 && faccessat(dirfd(d), leaf, F_OK, 0) != 0)
			continue;
		/* One user's damage is not everybody's. */
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
		auto_unlock_start(&b->own, dir);
		return open_all_vaults(b, f);
	}
	t = add_tenant(b, getuid(), f);
	if (!t)
		return -1;
	auto_unlock_start(&b->own, dir);
	return unlock_unattended(t, f);
}

void tenants_stop(struct broker *b)
{
	struct audit_event e = { .event = "stop", .result = "done", .pid = getpid() };
	unsigned i;

	for (i = 0; i < b->tenants; i++) {
		if (b->tenant[i].record.fd >= 0)
			audit_write(&b->tenant[i].record, &e, NULL);
		tenant_close(&b->tenant[i]);
	}
}
