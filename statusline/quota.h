/*
 * statusline/quota.h - how much of the account's quota is used, as the client or
 * the broker says.  No secret is asked for: the broker hands out numbers alone.
 */
#ifndef STATUSLINE_QUOTA_H
#define STATUSLINE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct client_input;
struct session_provider;

#define QUOTA_ITEMS 8

struct quota_item {
	char label[12];	   /* "5h", "wk" */
	bool is_percent;   /* else there is an amount only */
	double percent;	   /* used */
	char amount[20];   /* what is left, in digits, or "" */
	char currency[12]; /* USD, or "" */
	int64_t reset;	   /* seconds since the epoch, or 0: not told */
};

struct quota {
	enum {
		QUOTA_NONE,    /* the provider tells nothing */
		QUOTA_WAITING, /* not fetched yet */
		QUOTA_ERROR,   /* could not be fetched */
		QUOTA_STALE,   /* numbers, but old ones */
		QUOTA_FRESH
	} state;
	struct quota_item item[QUOTA_ITEMS]; /* texts as they came: may be hostile */
	unsigned items;
};

/*
 * From the client's input when it has limits and they are this provider's, else
 * from the broker, within ms milliseconds.  Never fails: see state.
 */
void quota_read(const struct client_input *in, const struct session_provider *p, int ms,
		struct quota *out);

#endif
