/*
 * broker/ops_lock.c - lock vaults, and the watchers that say when.
 *
 * A watcher is a connection that tells when the computer sleeps, a screen is locked or
 * a user logs out.  A user's own speaks for its uid.  The system's speaks for every
 * tenant of the system broker: it names the uid that an event is about.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/paths.h"
#include "broker/broker.h"
#include "broker/ops.h"
#include "broker/request.h"
#include "broker/tenant_lock.h"
#include "broker/tenants.h"
#include "vault/lock_settings.h"
#include "vault/vault.h"
#include "wire/pack.h"

/* Whose vaults a request locks. */
struct lock_scope {
	bool all;
	struct tenant *tenant; /* unless all; NULL: of a uid that is not in the table */
};

/* "why", optional: what a client may give as the reason of a lock. */
static int read_lock_reason(struct wire_map m, enum lock_reason *why, struct failure *f)
{
	char text[16];
	int w;

	*why = LOCK_REASON_REQUEST;
	if (!wire_has(m, "why"))
		return 0;
	if (wire_get_text(m, "why", text, sizeof(text), f) != 0)
		return -1;
	w = lock_reason_from_name(text);
	if (w != LOCK_REASON_REQUEST && w != LOCK_REASON_SUSPEND && w != LOCK_REASON_SCREEN &&
	    w != LOCK_REASON_LOGOUT)
		return fail_set(f, FAIL_BAD_VALUE, "request, suspend, screen or logout",
				"'%s' is no reason to lock", text);
	*why = (enum lock_reason)w;
	return 0;
}

/*
 * MUST: "uid" and "all" are for the system's watcher alone, and it may only report
 * events, which spare entries with keep = yes and obey each vault's settings.  Of
 * everybody else the connection's uid decides.
 */
static int read_lock_scope(struct request *q, enum lock_reason why, struct lock_scope *s,
			   struct failure *f)
{
	bool names_uid = wire_has(q->map, "uid");
	uint64_t uid;

	s->all = false;
	s->tenant = q->connection->tenant;
	if (wire_has(q->map, "all") && wire_get_bool(q->map, "all", &s->all, f) != 0)
		return -1;
	if (!q->connection->watches_all)
		return names_uid || s->all
			       ? fail_set(f, FAIL_PEER, "ccctl lock locks yours",
					  "only the system's watcher locks other users' vaults")
			       : 0;
	if (names_uid == s->all || !lock_is_automatic(why))
		return fail_set(f, FAIL_BAD_VALUE, "uid or all; suspend, screen or logout",
				"the system's watcher reports one event of one user or of all");
	if (s->all)
		return 0;
	if (wire_get_uint(q->map, "uid", &uid, f) != 0)
		return -1;
	s->tenant = uid < UINT32_MAX ? tenants_find(q->broker, (uid_t)uid) : NULL;
	return 0;
}

/* Does this lock do anything to the tenant? */
static bool lock_applies(const struct tenant *t, enum lock_reason why)
{
	struct lock_settings s;

	if (!lock_is_automatic(why))
		return true;
	if (!t->vault)
		return false;
	s = vault_lock_settings(t->vault);
	return lock_event_wanted(&s, why);
}

/* Does any of them lock?  All are wiped before the first is written. */
static bool lock_all(struct broker *b, enum lock_reason why, pid_t pid)
{
	struct tenant_lock l[TENANTS_MAX];
	bool locks[TENANTS_MAX], any = false;
	unsigned i;

	for (i = 0; i < b->tenants; i++) {
		locks[i] = lock_applies(&b->tenant[i], why);
		if (locks[i])
			tenant_lock_wipe(&b->tenant[i], why, &l[i]);
	}
	for (i = 0; i < b->tenants; i++) {
		if (locks[i])
			tenant_lock_write(&b->tenant[i], &l[i], pid);
		any = any || locks[i];
	}
	return any;
}

struct wire_out *op_lock(struct request *q, struct failure *f)
{
	pid_t pid = q->connection->peer.pid;
	struct lock_scope s;
	enum lock_reason why;
	struct wire_out *o;
	bool locked;

	if (read_lock_reason(q->map, &why, f) != 0 || read_lock_scope(q, why, &s, f) != 0)
		return NULL;
	if (s.all) {
		locked = lock_all(q->broker, why, pid);
	} else {
		locked = s.tenant && lock_applies(s.tenant, why);
		if (locked)
			tenant_lock(s.tenant, why, pid);
	}
	o = wire_ok();
	wire_put_bool(o, "locked", locked);
	return o;
}

/*
 * MUST: FAIL_PEER unless the connection is of the uid to which root gave
 * SYSTEM_WATCHER_DIR.  Nobody else may claim that all vaults are watched, or lock
 * those of others.
 */
static int check_system_watcher(const struct request *q, struct failure *f)
{
	const struct peer *p = &q->connection->peer;
	struct stat st;

	if (!q->broker->system)
		return fail_set(f, FAIL_PEER, "watch without all",
				"this broker serves one user alone");
	if (!control_active(CONTROL_SYSTEM_WATCHER))
		return 0;
	if (lstat(SYSTEM_WATCHER_DIR, &st) != 0 || !S_ISDIR(st.st_mode) || (st.st_mode & 022) ||
	    st.st_uid == 0 || st.st_uid != p->uid)
		return fail_set(f, FAIL_PEER,
				"its unit makes " SYSTEM_WATCHER_DIR ", which belongs to it: "
				"systemctl start ccrun-logind",
				"uid %u is not the system's watcher", (unsigned)p->uid);
	return peer_check_private(p, false, f);
}

/* A user's watcher has nothing to do any more, and would keep its log-in session from
 * ending: the end of its connection ends it.  The event loop drops the connection. */
static void end_users_watchers(struct broker *b)
{
	unsigned i;

	for (i = 0; i < b->places; i++)
		if (b->connection[i].fd >= 0 && b->connection[i].watcher &&
		    !b->connection[i].watches_all)
			shutdown(b->connection[i].fd, SHUT_RDWR);
}

/* "delays", optional: does the computer's sleep wait until the vaults are locked? */
static int read_delays(const struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	bool delays = true;

	if (wire_has(q->map, "delays") && wire_get_bool(q->map, "delays", &delays, f) != 0)
		return -1;
	*(c->watches_all ? &q->broker->undelayed : &c->tenant->undelayed) = !delays;
	return 0;
}

/* One connection of a uid, or one for all, may stay connected to tell when the computer
 * sleeps. */
struct wire_out *op_watch(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	bool all = false;
	char kind[32];

	if (wire_get_text(q->map, "kind", kind, sizeof(kind), f) != 0 ||
	    (wire_has(q->map, "all") && wire_get_bool(q->map, "all", &all, f) != 0))
		return NULL;
	/* From one that watches it is news. */
	if (c->watcher && wire_has(q->map, "delays"))
		return read_delays(q, f) == 0 ? wire_ok() : NULL;
	if (all && check_system_watcher(q, f) != 0)
		return NULL;
	/* A connection has one use; a session's has a deadline too. */
	if (c->session.state != SESSION_NONE || c->quota || c->renewer.names) {
		fail_set(f, FAIL_IN_USE, "connect once more",
			 "this connection has another purpose");
		return NULL;
	}
	if (q->broker->watched || c->watcher || (!all && c->tenant->watched)) {
		fail_set(f, FAIL_EXISTS, NULL,
			 q->broker->watched ? "the system's watcher watches already"
					    : "another connection of this user watches already");
		return NULL;
	}
	if (all)
		end_users_watchers(q->broker);
	c->watcher = true;
	c->watches_all = all;
	*(all ? &q->broker->watched : &c->tenant->watched) = true;
	c->deadline = 0;
	return read_delays(q, f) == 0 ? wire_ok() : NULL;
}
