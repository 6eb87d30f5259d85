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
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "broker/broker.h"

static struct tenant *add(struct broker *b, uid_t uid, struct failure *f)
{
	struct tenant_place where = { uid, b->system, b->system ? NULL : b->arena, &b->own };
	struct tenant *t = NULL;
	unsigned i;

	/* One that nobody uses, and that would be the same when it comes again. */
	for (i = 0; i < b->tenants && b->tenants == TENANTS_MAX && !t; i++)
		if (b->tenant[i].connections == 0 && !b->tenant[i].vault && !b->tenant[i].kept &&
		    b->tenant[i].why == LOCK_WHY_START)
			t = &b->tenant[i];
	if (t)
		tenant_close(t);
	else if (b->tenants < TENANTS_MAX)
		t = &b->tenant[b->tenants];
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
		return add(b, uid, f);
	fail_set(f, FAIL_PEER, "every user has a broker of their own", "this broker does not serve uid %u",
		 (unsigned)uid);
	return NULL;
}

/* With no person there.  That it could not be is on record, and no failure. */
static int open_own(struct tenant *t, struct failure *f)
{
	struct record_event e = { .event = "start", .result = "done", .pid = getpid() };
	struct failure why = { 0 };
	enum slot_kind kind = SLOT_KEYFILE;
	int r;

	if (record_write(&t->record, &e, f) != 0)
		return -1;
	r = own_open(t, &kind, &why);
	if (r == 0)
		return 0;
	e.event = "reopen";
	e.result = r > 0 ? "granted" : fail_name(why.code);
	e.why = r > 0 ? slot_kind_name(kind) : why.what;
	return record_write(&t->record, &e, f);
}

/* Every vault of a system broker that could be opened now; the others when
 * their users come. */
static int open_all(struct broker *b, struct failure *f)
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
		t = add(b, (uid_t)uid, f);
		if (t)
			(void)open_own(t, f);
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
		own_start(&b->own, dir);
		return open_all(b, f);
	}
	t = add(b, getuid(), f);
	if (!t)
		return -1;
	own_start(&b->own, dir);
	return open_own(t, f);
}

void tenants_stop(struct broker *b)
{
	struct record_event e = { .event = "stop", .result = "done", .pid = getpid() };
	unsigned i;

	for (i = 0; i < b->tenants; i++) {
		if (b->tenant[i].record.fd >= 0)
			record_write(&b->tenant[i].record, &e, NULL);
		tenant_close(&b->tenant[i]);
	}
}
