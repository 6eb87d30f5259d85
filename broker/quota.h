/*
 * broker/quota.h - how much of a provider's quota is used: numbers that a worker
 * process fetched, for status lines.  No secret is in here.  No clock: times are
 * arguments, clock_now_ms().
 *
 * Each session has a worker, which waits until the numbers of its entry are due:
 * wanted (a status line asked since the last try, or there was none), older than
 * QUOTA_FRESH_MS, and outside a back-off.  So nobody asks a provider for a session
 * that is not looked at, and many sessions of one entry ask once.
 */
#ifndef BROKER_QUOTA_H
#define BROKER_QUOTA_H

#include <stdbool.h>
#include <stdint.h>
#include "wire/limits.h"

#define QUOTA_NAMES_MAX 16  /* of one uid; a name without workers gives way to a new one */
#define QUOTA_WORKERS_MAX 2 /* of one name: one fetches, one takes over when that one ends */
#define QUOTA_FIGURES_MAX 8 /* windows and balances of one provider; the most known are 3 */
#define QUOTA_TEXT_SIZE 17
#define QUOTA_PERCENT_MAX 1000000   /* hundredths of a percent: some go over their quota */
#define QUOTA_FRESH_MS 60000	    /* fetched at most this often */
#define QUOTA_STALE_MS 120000	    /* shown as stale from this age on */
#define QUOTA_PUT_DEADLINE_MS 60000 /* from usage-next's answer to usage-put */
#define QUOTA_RETRY_MIN 5	    /* seconds of back-off that a worker may ask for */
#define QUOTA_RETRY_MAX 86400

/* One window or balance of a provider. */
struct quota_figure {
	char label[QUOTA_TEXT_SIZE];
	char amount[QUOTA_TEXT_SIZE];	/* "" for none */
	char currency[QUOTA_TEXT_SIZE]; /* "" for none */
	bool has_percent;
	uint32_t percent; /* hundredths of a percent */
	uint64_t reset;	  /* seconds since the epoch; 0 for unknown */
};

/* The numbers of one entry, or of one subscription of the client. */
struct watched_quota {
	char name[NAME_MAX_LEN + 1]; /* the entry's, or the subscription's; "" for a free place */
	bool subscription;	     /* of the client itself: no entry of the vault */
	unsigned workers;	     /* connections that fetch it */
	bool wanted, fetching;
	int64_t fetched;	     /* clock_now_ms() of the numbers; 0 for never */
	int64_t not_before;	     /* back-off */
	char error[QUOTA_TEXT_SIZE]; /* why the last try failed, or "" */
	struct quota_figure figure[QUOTA_FIGURES_MAX];
	unsigned figures;
};

struct quota_table {
	struct watched_quota at[QUOTA_NAMES_MAX];
};

/* The name that a subscription goes by when a request names none.  A provider with a
 * config_dir of its own may have another one. */
#define QUOTA_SUBSCRIPTION_NAME "claude"

/* Has the name QUOTA_WORKERS_MAX workers?  Each takes one of its user's connections,
 * which sessions need; a further one is told to come back later. */
bool quota_crowded(struct quota_table *t, const char *name, bool subscription);

/*
 * The place of a name, taken if need be, with one worker more, and wanted at once.
 * NULL: all places have workers.  quota_leave undoes it; was_fetching: the worker
 * owes numbers, so another one may try at once.
 */
struct watched_quota *quota_join(struct quota_table *t, const char *name, bool subscription);
void quota_leave(struct watched_quota *u, bool was_fetching);

/* NULL when nobody has fetched it. */
struct watched_quota *quota_lookup(struct quota_table *t, const char *name, bool subscription);

/* May a worker fetch now?  quota_begin_fetch says that one does. */
bool quota_due(const struct watched_quota *u, int64_t now);
void quota_begin_fetch(struct watched_quota *u);

/*
 * Of the fetch that has begun a relay makes the request: until its numbers or its failure
 * are told, there is no other for QUOTA_FRESH_MS, so that no worker can have a provider
 * asked all the time by coming and going.
 */
void quota_hold_off(struct watched_quota *u, int64_t now);

/* What a fetch brought: n figures, or an error and the seconds until the next try. */
void quota_fetch_done(struct watched_quota *u, const struct quota_figure *figure, unsigned n,
		      int64_t now);
void quota_fetch_failed(struct watched_quota *u, const char *error, uint64_t retry, int64_t now);

/* "none", "waiting", "fresh", "stale" or "error"; u may be NULL. */
const char *quota_state(const struct watched_quota *u, int64_t now);

#endif
