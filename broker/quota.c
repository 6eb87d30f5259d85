/*
 * broker/quota.c - the table of quota numbers: who fetches them, and when they are due.
 */
#include "broker/quota.h"

#include <stdio.h>
#include <string.h>

static struct watched_quota *find_watched(struct quota_table *t, const char *name,
					  bool subscription)
{
	unsigned i;

	for (i = 0; i < QUOTA_NAMES_MAX; i++)
		if (t->at[i].subscription == subscription && t->at[i].name[0] &&
		    strcmp(t->at[i].name, name) == 0)
			return &t->at[i];
	return NULL;
}

struct watched_quota *quota_lookup(struct quota_table *t, const char *name, bool subscription)
{
	return find_watched(t, name, subscription);
}

bool quota_crowded(struct quota_table *t, const char *name, bool subscription)
{
	const struct watched_quota *u = find_watched(t, name, subscription);

	return u && u->workers >= QUOTA_WORKERS_MAX;
}

/* A free place, else the one without workers whose numbers are the oldest. */
static struct watched_quota *find_place(struct quota_table *t)
{
	struct watched_quota *found = NULL, *u;
	unsigned i;

	for (i = 0; i < QUOTA_NAMES_MAX; i++) {
		u = &t->at[i];
		if (!u->name[0])
			return u;
		if (u->workers == 0 && (!found || u->fetched < found->fetched))
			found = u;
	}
	return found;
}

struct watched_quota *quota_join(struct quota_table *t, const char *name, bool subscription)
{
	struct watched_quota *u = find_watched(t, name, subscription);

	if (!u) {
		u = find_place(t);
		if (!u)
			return NULL;
		memset(u, 0, sizeof(*u));
		snprintf(u->name, sizeof(u->name), "%s", name);
		u->subscription = subscription;
	}
	u->workers++;
	u->wanted = true;
	return u;
}

void quota_leave(struct watched_quota *u, bool was_fetching)
{
	u->workers--;
	if (was_fetching) {
		/* A worker of another session may take over. */
		u->fetching = false;
		u->wanted = true;
	}
}

bool quota_due(const struct watched_quota *u, int64_t now)
{
	return u->wanted && !u->fetching && now >= u->not_before &&
	       (u->fetched == 0 || now - u->fetched >= QUOTA_FRESH_MS);
}

void quota_begin_fetch(struct watched_quota *u)
{
	u->wanted = false;
	u->fetching = true;
}

void quota_hold_off(struct watched_quota *u, int64_t now)
{
	u->not_before = now + QUOTA_FRESH_MS;
}

void quota_fetch_done(struct watched_quota *u, const struct quota_figure *figure, unsigned n,
		      int64_t now)
{
	memcpy(u->figure, figure, n * sizeof(*figure));
	u->figures = n;
	u->error[0] = '\0';
	u->fetching = false;
	u->fetched = now;
	u->not_before = now + QUOTA_FRESH_MS;
}

void quota_fetch_failed(struct watched_quota *u, const char *error, uint64_t retry, int64_t now)
{
	if (retry < QUOTA_RETRY_MIN)
		retry = QUOTA_RETRY_MIN;
	if (retry > QUOTA_RETRY_MAX)
		retry = QUOTA_RETRY_MAX;
	snprintf(u->error, sizeof(u->error), "%s", error);
	u->fetching = false;
	u->not_before = now + (int64_t)retry * 1000;
}

const char *quota_state(const struct watched_quota *u, int64_t now)
{
	if (!u || (u->workers == 0 && u->fetched == 0))
		return "none";
	if (u->fetched == 0)
		return u->error[0] ? "error" : "waiting";
	return u->error[0] || u->workers == 0 || now - u->fetched >= QUOTA_STALE_MS ? "stale"
										    : "fresh";
}
