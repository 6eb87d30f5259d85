/*
 * broker/quota.h - how much of a quota is used: numbers that a worker fetched,
 * for status lines.  No secret is in here.  Pure: times are arguments
 * (io_now_ms()), in milliseconds.
 *
 * A worker of each session waits until the numbers of its entry are due: wanted
 * (a status line asked since the last try, or there never was one), older than
 * USAGE_FRESH_MS, and no back-off is on.  So a session that nobody looks at asks
 * no provider, and many sessions ask once.
 */
#ifndef BROKER_QUOTA_H
#define BROKER_QUOTA_H

#include <stdbool.h>
#include <stdint.h>
#include "wire/limits.h"

#define USAGE_NAMES_MAX 16	 /* of one uid; the one that nobody watches any more gives way */
#define USAGE_WORKERS_MAX 2	 /* of one name: one fetches, one is there when that ends */
#define USAGE_ITEMS_MAX 8	 /* windows and balances of one provider; the most known are 3 */
#define USAGE_TEXT 17
#define USAGE_PERCENT_MAX 1000000 /* hundredths of a percent: some go over their quota */
#define USAGE_FRESH_MS 60000	 /* fetched at most so often */
#define USAGE_STALE_MS 120000	 /* and shown as stale from here */
#define USAGE_PUT_MS 60000	 /* a worker that fetches and says nothing for so long is dropped */
#define USAGE_RETRY_MIN 5	 /* seconds of back-off that a worker may ask for */
#define USAGE_RETRY_MAX 86400

struct usage_item {
	char label[USAGE_TEXT];
	char amount[USAGE_TEXT];   /* "" for none */
	char currency[USAGE_TEXT]; /* "" for none */
	bool has_percent;
	uint32_t percent; /* hundredths */
	uint64_t reset;	  /* seconds since the epoch; 0 for unknown */
};

struct usage {
	char name[NAME_MAX_LEN + 1]; /* the entry's, or the provider's; "" for a free place */
	bool own;		     /* the client's own subscription: no entry of the vault */
	unsigned workers;	     /* connections that watch it */
	bool wanted, fetching;
	int64_t fetched;    /* 0 for never */
	int64_t not_before; /* back-off */
	char error[USAGE_TEXT]; /* why the last try failed, or "" */
	struct usage_item item[USAGE_ITEMS_MAX];
	unsigned items;
};

struct usage_table {
	struct usage at[USAGE_NAMES_MAX];
};

/* The name that a subscription's numbers go by when none is said: with a config_dir
 * of its own a provider may have another one. */
#define USAGE_OWN_NAME "claude"

/*
 * Do enough workers watch it already?  Each has one of the few connections of its
 * user, which sessions need; the others come again after a while.
 */
bool usage_crowded(struct usage_table *t, const char *name, bool own);

/*
 * The place of a name, taken if need be, with one worker more.  NULL: all places
 * are watched.  Wanted at once.
 */
struct usage *usage_join(struct usage_table *t, const char *name, bool own);
void usage_leave(struct usage *u, bool was_fetching);

/* An entry's, or (own) a subscription's; NULL for none. */
struct usage *usage_find(struct usage_table *t, const char *name, bool own);

bool usage_due(const struct usage *u, int64_t now);
void usage_begin(struct usage *u);

/* What a try brought: items (then error is NULL) or an error and the seconds until the next try. */
void usage_done(struct usage *u, const struct usage_item *item, unsigned n, int64_t now);
void usage_failed(struct usage *u, const char *error, uint64_t retry, int64_t now);

/* "none", "waiting", "fresh", "stale" or "error". */
const char *usage_state(const struct usage *u, int64_t now);

#endif
