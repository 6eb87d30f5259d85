/*
 * broker/quota.c - the table of quota numbers: who waits, what is due.
 */
#include "broker/quota.h"

#include <stdio.h>
#include <string.h>

static struct watched_quota *find_watched(struct quota_table *t, const char *name, bool own)
{
	unsigned i;

	for (i = 0; i < QUOTA_NAMES_MAX; i++)
		if (t->at[i].own == own && t->at[i].name[0] && strcmp(t->at[i].name, name) == 0)
			return &t->at[i];
	return NULL;
}

struct watched_quota *quota_lookup(struct quota_table *t, const char *name, bool own)
{
	return find_watched(t, name, own);
}

bool quota_crowded(struct quota_table *t, const char *name, bool own)
{
	const struct watched_quota *u = find_watched(t, name, own);

	return u && u->workers >= QUOTA_WORKERS_MAX;
}

/* A free place, else the one unwatched the longest (by its last numbers). */
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

struct watched_quota *quota_join(struct quota_table *t, const char *name, bool own)
{
	struct watched_quota *u = find_watched(t, name, own);

	if (!u) {
		u = find_place(t);
		if (!u)
			return NULL;
		memset(u, 0, sizeof(*u));
		snprintf(u->name, sizeof(u->name), "%s", name);
		u->own = own;
	}
	u->workers++;
	u->wanted = true;
	return u;
}

void quota_leave(struct watched_quota *u, bool was_fetching)
{
	u->workers--;
	if (was_fetching) {
		/* Another session's worker may try in its place. */
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

void quota_fetch_done(struct watched_quota *u, const struct quota_figure *item, unsigned n, int64_t now)
{
	memcpy(u->item, item, n * sizeof(*item));
	u->items = n;
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
	return u->error[0] || u->workers == 0 || now - u->fetched >= QUOTA_STALE_MS ? "stale" : "fresh";
}
