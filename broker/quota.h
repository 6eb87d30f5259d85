/*
 * broker/quota.h - how much of a quota is used: numbers that a worker fetched,
 * for status lines.  No secret is in here.  Pure: times are arguments
 * (io_now_ms()), in milliseconds.
 *
 * A worker of each session waits until the numbers of its entry are due: wanted
 * (a status line asked since the last try, or there never was one), older than
 * QUOTA_FRESH_MS, and no back-off is on.  So a session that nobody looks at asks
 * no provider, and many sessions ask once.
 */
#ifndef BROKER_QUOTA_H
#define BROKER_QUOTA_H

#include <stdbool.h>
#include <stdint.h>
#include "wire/limits.h"

#define QUOTA_NAMES_MAX 16	 /* of one uid; the one that nobody watches any more gives way */
#define QUOTA_WORKERS_MAX 2	 /* of one name: one fetches, one is there when that ends */
#define QUOTA_FIGURES_MAX 8	 /* windows and balances of one provider; the most known are 3 */
#define QUOTA_TEXT_SIZE 17
#define QUOTA_PERCENT_MAX 1000000 /* hundredths of a percent: some go over their quota */
#define QUOTA_FRESH_MS 60000	 /* fetched at most so often */
#define QUOTA_STALE_MS 120000	 /* and shown as stale from here */
#define QUOTA_PUT_DEADLINE_MS 60000	 /* a worker that fetches and says nothing for so long is dropped */
#define QUOTA_RETRY_MIN 5	 /* seconds of back-off that a worker may ask for */
#define QUOTA_RETRY_MAX 86400

struct quota_figure {
	char label[QUOTA_TEXT_SIZE];
	char amount[QUOTA_TEXT_SIZE];   /* "" for none */
	char currency[QUOTA_TEXT_SIZE]; /* "" for none */
	bool has_percent;
	uint32_t percent; /* hundredths */
	uint64_t reset;	  /* seconds since the epoch; 0 for unknown */
};

struct watched_quota {
	char name[NAME_MAX_LEN + 1]; /* the entry's, or the provider's; "" for a free place */
	bool own;		     /* the client's own subscription: no entry of the vault */
	unsigned workers;	     /* connections that watch it */
	bool wanted, fetching;
	int64_t fetched;    /* 0 for never */
	int64_t not_before; /* back-off */
	char error[QUOTA_TEXT_SIZE]; /* why the last try failed, or "" */
	struct quota_figure item[QUOTA_FIGURES_MAX];
	unsigned items;
};

struct quota_table {
	struct watched_quota at[QUOTA_NAMES_MAX];
};

/* The name that a subscription's numbers go by when none is said: with a config_dir
 * of its own a provider may have another one. */
#define QUOTA_SUBSCRIPTION_NAME "claude"

/*
 * Do enough workers watch it already?  Each has one of the few connections of its
 * user, which sessions need; the others come again after a while.
 */
bool quota_crowded(struct quota_table *t, const char *name, bool own);

/*
 * The place of a name, taken if need be, with one worker more.  NULL: all places
 * are watched.  Wanted at once.
 */
struct watched_quota *quota_join(struct quota_table *t, const char *name, bool own);
void quota_leave(struct watched_quota *u, bool was_fetching);

/* An entry's, or (own) a subscription's; NULL for none. */
struct watched_quota *quota_lookup(struct quota_table *t, const char *name, bool own);

bool quota_due(const struct watched_quota *u, int64_t now);
void quota_begin_fetch(struct watched_quota *u);

/* What a try brought: items (then error is NULL) or an error and the seconds until the next try. */
void quota_fetch_done(struct watched_quota *u, const struct quota_figure *item, unsigned n, int64_t now);
void quota_fetch_failed(struct watched_quota *u, const char *error, uint64_t retry, int64_t now);

/* "none", "waiting", "fresh", "stale" or "error". */
const char *quota_state(const struct watched_quota *u, int64_t now);

#endif
