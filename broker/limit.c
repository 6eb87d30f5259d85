/*
 * broker/limit.c - how much of an entry may be used in an hour, a day, a week or a month.
 */
#include "broker/limit.h"

#include <string.h>

#define HOUR_SECONDS INT64_C(3600)
#define DAY_SECONDS INT64_C(86400)
#define EPOCH_WEEKDAY 3		       /* 1970-01-01 was a Thursday: days since Monday */
#define TIME_MIN INT64_C(-62135596800) /* 0001-01-01 */
#define TIME_MAX INT64_C(253402300799) /* 9999-12-31 */
#define OFFSET_MAX DAY_SECONDS	       /* time zones are at most 14 hours off UTC */

/* Rounded down, for times before the epoch, too. */
static int64_t divide_down(int64_t n, int64_t by)
{
	return n / by - (n % by < 0);
}

/*
 * The first day of a month, in days since the epoch; months are counted from January of
 * year 0.  Years begin in March here, so that the leap day is the last one of a year.
 */
static int64_t month_first_day(int64_t month)
{
	int64_t since_march = month - 2;
	int64_t year = divide_down(since_march, 12);
	int64_t of_year = since_march - year * 12;

	return year * 365 + divide_down(year, 4) - divide_down(year, 100) + divide_down(year, 400) +
	       (of_year * 153 + 2) / 5 - 719468;
}

static int64_t month_of_day(int64_t day)
{
	/* 400 years have 146097 days.  The estimate is at most a month off. */
	int64_t month = divide_down((day + 719528) * 4800, 146097);

	while (month_first_day(month) > day)
		month--;
	while (month_first_day(month + 1) <= day)
		month++;
	return month;
}

static int64_t time_clamp(int64_t n, int64_t least, int64_t most)
{
	return n < least ? least : n > most ? most : n;
}

void limit_window_of(enum limit_period per, const struct limit_time *now, struct limit_window *out)
{
	int64_t offset = time_clamp(now->utc_offset, -OFFSET_MAX, OFFSET_MAX);
	int64_t local = time_clamp(now->epoch, TIME_MIN, TIME_MAX) + offset;
	int64_t day = divide_down(local, DAY_SECONDS);

	switch (per) {
	case LIMIT_HOUR:
		out->number = divide_down(local, HOUR_SECONDS);
		out->ends_local = (out->number + 1) * HOUR_SECONDS;
		break;
	case LIMIT_WEEK:
		out->number = divide_down(day + EPOCH_WEEKDAY, 7);
		out->ends_local = ((out->number + 1) * 7 - EPOCH_WEEKDAY) * DAY_SECONDS;
		break;
	case LIMIT_MONTH:
		out->number = month_of_day(day);
		out->ends_local = month_first_day(out->number + 1) * DAY_SECONDS;
		break;
	default:
		out->number = day;
		out->ends_local = (day + 1) * DAY_SECONDS;
		break;
	}
	out->ends = out->ends_local - offset;
}

/* ---- counting ---- */

/* Did the window that was counted last end, so that the one of this number is a new one? */
static bool window_is_new(const struct limit_counters *c, enum limit_period per, int64_t number)
{
	/* How far a journey west, and the date line, can bring a window back. */
	static const int64_t back[LIMIT_PERIODS] = {
		[LIMIT_HOUR] = 26,
		[LIMIT_DAY] = 2,
		[LIMIT_WEEK] = 1,
		[LIMIT_MONTH] = 1,
	};

	return number > c->window[per] || number < c->window[per] - back[per];
}

static uint64_t sum_saturated(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/*
 * What counts as used in the window of this number.  A window that begins by going back
 * inherits what was used in the later one, and what was used in it before that: whoever
 * moves the clock gains nothing.  One that is entered again by going forward was
 * inherited from when the clock went back.
 */
uint64_t limit_used(const struct limit_counters *c, enum limit_period per, int64_t number,
		    enum limit_kind kind)
{
	uint64_t now = c->used[per][kind], before = c->used_before[per][kind];
	bool again = c->window_before[per] == number;

	if (!window_is_new(c, per, number))
		return now;
	if (number < c->window[per])
		return again ? sum_saturated(now, before) : now;
	if (!again)
		return 0;
	return now > before ? now : before;
}

static void window_begin(struct limit_counters *c, enum limit_period per, int64_t number)
{
	uint64_t used[LIMIT_KINDS];
	int kind;

	for (kind = 0; kind < LIMIT_KINDS; kind++)
		used[kind] = limit_used(c, per, number, (enum limit_kind)kind);
	c->window_before[per] = c->window[per];
	memcpy(c->used_before[per], c->used[per], sizeof(used));
	c->window[per] = number;
	memcpy(c->used[per], used, sizeof(used));
}

void limit_count(struct limit_counters *c, const uint64_t used[LIMIT_KINDS],
		 const struct limit_time *now)
{
	struct limit_window w;
	int per, kind;

	for (per = 0; per < LIMIT_PERIODS; per++) {
		limit_window_of((enum limit_period)per, now, &w);
		if (window_is_new(c, (enum limit_period)per, w.number))
			window_begin(c, (enum limit_period)per, w.number);
		for (kind = 0; kind < LIMIT_KINDS; kind++)
			c->used[per][kind] = sum_saturated(c->used[per][kind], used[kind]);
	}
}

bool limit_allows(const struct limit *l, const struct limit_counters *c,
		  const uint64_t estimate[LIMIT_KINDS], const struct limit_time *now,
		  struct limit_refusal *out)
{
	struct limit_window w;
	bool allowed = true;
	int64_t ends = 0;
	int kind;

	for (kind = 0; kind < LIMIT_KINDS; kind++) {
		enum limit_period per = l->of[kind].per;
		uint64_t most = l->of[kind].most, used;

		if (most == 0)
			continue;
		limit_window_of(per, now, &w);
		used = limit_used(c, per, w.number, (enum limit_kind)kind);
		if (used < most && estimate[kind] <= most - used)
			continue;
		if (out && (allowed || w.ends > ends)) {
			memset(out, 0, sizeof(*out));
			out->which.of[kind] = l->of[kind];
			out->used = used;
			out->window = w;
			ends = w.ends;
		}
		allowed = false;
	}
	return allowed;
}
