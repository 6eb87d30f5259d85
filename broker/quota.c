/*
 * broker/quota.c - the table of quota numbers: who waits, what is due.
 */
#include "broker/quota.h"

#include <stdio.h>
#include <string.h>

static struct usage *same(struct usage_table *t, const char *name, bool own)
{
	unsigned i;

	for (i = 0; i < USAGE_NAMES_MAX; i++)
		if (t->at[i].own == own && t->at[i].name[0] && strcmp(t->at[i].name, name) == 0)
			return &t->at[i];
	return NULL;
}

struct usage *usage_find(struct usage_table *t, const char *name, bool own)
{
	return same(t, name, own);
}

bool usage_crowded(struct usage_table *t, const char *name, bool own)
{
	const struct usage *u = same(t, name, own);

	return u && u->workers >= USAGE_WORKERS_MAX;
}

/* A free place, else the one unwatched the longest (by its last numbers). */
static struct usage *place(struct usage_table *t)
{
	struct usage *found = NULL, *u;
	unsigned i;

	for (i = 0; i < USAGE_NAMES_MAX; i++) {
		u = &t->at[i];
		if (!u->name[0])
			return u;
		if (u->workers == 0 && (!found || u->fetched < found->fetched))
			found = u;
	}
	return found;
}

struct usage *usage_join(struct usage_table *t, const char *name, bool own)
{
	struct usage *u = same(t, name, own);

	if (!u) {
		u = place(t);
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

void usage_leave(struct usage *u, bool was_fetching)
{
	u->workers--;
	if (was_fetching) {
		/* Another session's worker may try in its place. */
		u->fetching = false;
		u->wanted = true;
	}
}

bool usage_due(const struct usage *u, int64_t now)
{
	return u->wanted && !u->fetching && now >= u->not_before &&
	       (u->fetched == 0 || now - u->fetched >= USAGE_FRESH_MS);
}

void usage_begin(struct usage *u)
{
	u->wanted = false;
	u->fetching = true;
}

void usage_done(struct usage *u, const struct usage_item *item, unsigned n, int64_t now)
{
	memcpy(u->item, item, n * sizeof(*item));
	u->items = n;
	u->error[0] = '\0';
	u->fetching = false;
	u->fetched = now;
	u->not_before = now + USAGE_FRESH_MS;
}

void usage_failed(struct usage *u, const char *error, uint64_t retry, int64_t now)
{
	if (retry < USAGE_RETRY_MIN)
		retry = USAGE_RETRY_MIN;
	if (retry > USAGE_RETRY_MAX)
		retry = USAGE_RETRY_MAX;
	snprintf(u->error, sizeof(u->error), "%s", error);
	u->fetching = false;
	u->not_before = now + (int64_t)retry * 1000;
}

const char *usage_state(const struct usage *u, int64_t now)
{
	if (!u || (u->workers == 0 && u->fetched == 0))
		return "none";
	if (u->fetched == 0)
		return u->error[0] ? "error" : "waiting";
	return u->error[0] || u->workers == 0 || now - u->fetched >= USAGE_STALE_MS ? "stale" : "fresh";
}
