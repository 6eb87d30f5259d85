/*
 * broker/limit.h - what of an entry was used in an hour, a day, a week or a month, and
 * whether the next request may pass a limit (wire/limit_text.h).
 *
 * No clock, no time zone, no state: times and counters are arguments.
 *
 * Windows are those of the calendar, in local time: an hour, a day from midnight, a week
 * from Monday, a month from its first day.  A window is known by its number in local time,
 * not by when it began, so a change to or from summer time begins no new one: the day
 * has 23 or 25 hours, and the hour that occurs twice is one window.  Who travels west
 * does not use a window twice, either: where its number is a little lower than the last
 * one's, the last one's counters go on counting.  Lower by more than time zones differ:
 * the clock was wrong, then or now.  The window of the present time inherits what was
 * counted, so a clock that goes forward and back empties no window, and one that was years
 * ahead keeps nobody out until then.
 */
#ifndef BROKER_LIMIT_H
#define BROKER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/limit_text.h"

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
 * What was used in the last window of each period, and in the one before it; all zero at
 * first.  Every period is counted whatever the limit is, so that another limit holds from
 * its first second.
 */
struct limit_counters {
	int64_t window[LIMIT_PERIODS];
	uint64_t used[LIMIT_PERIODS][LIMIT_KINDS];
	int64_t window_before[LIMIT_PERIODS];
	uint64_t used_before[LIMIT_PERIODS][LIMIT_KINDS];
};

/* Count what was used.  Counters that are full stay so. */
void limit_count(struct limit_counters *c, const uint64_t used[LIMIT_KINDS],
		 const struct limit_time *now);

/* What counts as used in the window of that number. */
uint64_t limit_used(const struct limit_counters *c, enum limit_period per, int64_t number,
		    enum limit_kind kind);

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
