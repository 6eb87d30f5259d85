/*
 * broker/limit.h - how much of an entry may be used in an hour, a day, a week or a month:
 * the text of a limit, what was used, and whether the next request may pass.
 *
 * No clock, no time zone, no state: times and counters are arguments.
 *
 * Windows are those of the calendar, in local time: an hour, a day from midnight, a week
 * from Monday, a month from its first day.  A window is known by its number in local time,
 * not by when it began, so a change to or from summer time begins no new one: the day
 * has 23 or 25 hours, and the hour that occurs twice is one window.  Who travels west
 * does not use a window twice, either: where its number is a little lower than the last
 * one's, the last one's counters go on counting.  Lower by more than time zones differ:
 * the clock was wrong (at boot, maybe), and counting begins anew; else nothing could be
 * used until that time comes again.
 */
#ifndef BROKER_LIMIT_H
#define BROKER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct failure;

enum limit_kind { LIMIT_TOKENS, LIMIT_MONEY, LIMIT_REQUESTS, LIMIT_KINDS };
enum limit_period { LIMIT_HOUR, LIMIT_DAY, LIMIT_WEEK, LIMIT_MONTH, LIMIT_PERIODS };

/* The highest limits: tokens, micro-dollars, requests. */
#define LIMIT_TOKENS_MAX UINT64_C(1000000000000)
#define LIMIT_MONEY_MAX UINT64_C(1000000000000)
#define LIMIT_REQUESTS_MAX UINT64_C(1000000000)
#define LIMIT_TEXT 64 /* bytes of the longest text, with its NUL */

struct limit {
	struct {
		uint64_t most; /* tokens, micro-dollars, requests; 0 for no limit */
		enum limit_period per;
	} of[LIMIT_KINDS];
};

/*
 * Read a limit, as a person types it and as it is sealed: "off", or tokens (500k/hour,
 * 1.5M/day: whole thousands), money ($0.50/hour) and requests (200/month), each at most
 * once, in any order, with one blank between them.  -1 with FAIL_BAD_VALUE, which says
 * what is wrong, and *l unchanged.
 */
int limit_parse(struct limit *l, const char *text, struct failure *f);

/* The one text of a limit, which limit_parse reads as the same again. */
void limit_format(const struct limit *l, char out[LIMIT_TEXT]);

/* A time, as localtime_r tells it. */
struct limit_time {
	int64_t epoch;	    /* seconds */
	int32_t utc_offset; /* tm_gmtoff: seconds that local time is ahead of UTC */
};

struct limit_window {
	int64_t number; /* of its period's windows; they follow each other without a gap */
	/*
	 * The first second behind it, as local time counted like the epoch's seconds, which
	 * is exact: gmtime_r makes the clock's reading of it.  And in seconds since the
	 * epoch, by the offset of now: wrong by what the offset changes in between.
	 */
	int64_t ends_local, ends;
};

/* The window that `now` is in.  Times before 0001 or after 9999 count as these. */
void limit_window_of(enum limit_period per, const struct limit_time *now, struct limit_window *out);

/*
 * What was used in the last window of each period; all zero at first.  Every period is
 * counted whatever the limit is, so that another limit holds from its first second.
 */
struct limit_counters {
	int64_t window[LIMIT_PERIODS];
	uint64_t used[LIMIT_PERIODS][LIMIT_KINDS];
};

/* Count what was used.  Counters that are full stay so. */
void limit_count(struct limit_counters *c, const uint64_t used[LIMIT_KINDS],
		 const struct limit_time *now);

struct limit_refusal {
	struct limit which; /* the one limit that is over, the others off */
	uint64_t used;	    /* in its window */
	struct limit_window window;
};

/*
 * May a request pass that is estimated to use this much?  An estimate of 0 asks whether
 * anything is left.  False: out (which may be NULL) is filled, and where several limits
 * refuse, with the one whose window ends last.
 */
bool limit_allows(const struct limit *l, const struct limit_counters *c,
		  const uint64_t estimate[LIMIT_KINDS], const struct limit_time *now,
		  struct limit_refusal *out);

#endif
