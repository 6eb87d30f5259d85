/*
 * statusline/quota.h - how much of the quota is used: numbers of the
 * input, or of the broker.  Never a secret: the broker has none for us.
 */
#ifndef STATUSLINE_QUOTA_H
#define STATUSLINE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct input;
struct shown_provider;

#define QUOTA_ITEMS 8

struct quota_item {
	char label[12];	 /* "5h", "wk" */
	bool is_percent; /* else only an amount */
	double percent;	 /* used */
	char amount[20]; /* digits, or "" */
	char currency[12]; /* USD, or "" */
	int64_t reset;	 /* seconds of the epoch, or 0 */
};

struct quota {
	enum {
		QUOTA_NONE,    /* nothing to say */
		QUOTA_WAITING, /* there will be numbers */
		QUOTA_ERROR,   /* there should be numbers */
		QUOTA_STALE,   /* old numbers */
		QUOTA_FRESH
	} state;
	struct quota_item item[QUOTA_ITEMS]; /* texts as they came: hostile */
	unsigned items;
};

/*
 * From the input where it has limits and they are this provider's, else from
 * the broker, who has ms milliseconds.  Never fails.
 */
void quota_find(const struct input *in, const struct shown_provider *p, int ms, struct quota *out);

#endif
