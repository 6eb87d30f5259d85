/*
 * broker/limit.c - how much of an entry may be used in an hour, a day, a week or a month.
 */
#include "broker/limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/money.h"

#define HOUR_SECONDS INT64_C(3600)
#define DAY_SECONDS INT64_C(86400)
#define EPOCH_WEEKDAY 3		       /* 1970-01-01 was a Thursday: days since Monday */
#define TIME_MIN INT64_C(-62135596800) /* 0001-01-01 */
#define TIME_MAX INT64_C(253402300799) /* 9999-12-31 */
#define OFFSET_MAX DAY_SECONDS	       /* time zones are at most 14 hours off UTC */

static const char *const periods[LIMIT_PERIODS] = {
	[LIMIT_HOUR] = "hour",
	[LIMIT_DAY] = "day",
	[LIMIT_WEEK] = "week",
	[LIMIT_MONTH] = "month",
};

/* ---- texts ---- */

static int limit_part_refuse(const char *text, size_t n, const char *why, struct failure *f)
{
	return fail_set(f, FAIL_BAD_VALUE,
			"a limit is like 5M/day, 500k/hour, $10/day or 200/hour; several with a "
			"blank between them; or off",
			"limit \"%.*s\": %s", (int)(n < 40 ? n : 40), text, why);
}

static bool limit_period_parse(const char *text, size_t n, enum limit_period *per)
{
	int i;

	for (i = 0; i < LIMIT_PERIODS; i++)
		if (strlen(periods[i]) == n && memcmp(periods[i], text, n) == 0) {
			*per = (enum limit_period)i;
			return true;
		}
	return false;
}

/* Tokens, written in thousands or millions. */
static const char *limit_tokens_parse(const char *text, size_t n, uint64_t unit, uint64_t *most)
{
	uint64_t millionths, tokens;

	/* With up to six digits behind the point, as money has. */
	if (!money_parse(text, n, LIMIT_TOKENS_MAX / unit * MONEY_DOLLAR, &millionths))
		return "no number of tokens, or more than 1000000M";
	tokens = millionths / (MONEY_DOLLAR / unit);
	if (millionths % (MONEY_DOLLAR / unit) != 0 || tokens % 1000 != 0)
		return "tokens are counted in whole thousands";
	*most = tokens;
	return NULL;
}

/* The number of a part.  Returns why it is none, or NULL. */
static const char *limit_amount_parse(const char *text, size_t n, enum limit_kind *kind,
				      uint64_t *most)
{
	char last = n ? text[n - 1] : '\0';

	if (n == 0)
		return "a number is missing";
	if (text[0] == '$') {
		*kind = LIMIT_MONEY;
		if (!money_parse(text + 1, n - 1, LIMIT_MONEY_MAX, most))
			return "no amount of dollars, or more than $1000000";
	} else if (last == 'k' || last == 'M') {
		const char *why =
			limit_tokens_parse(text, n - 1, last == 'k' ? 1000 : 1000000, most);

		*kind = LIMIT_TOKENS;
		if (why)
			return why;
	} else if (last == 'K' || last == 'm') {
		return "k is for thousands of tokens, M for millions";
	} else {
		uint64_t scaled;

		*kind = LIMIT_REQUESTS;
		if (memchr(text, '.', n) ||
		    !money_parse(text, n, LIMIT_REQUESTS_MAX * MONEY_DOLLAR, &scaled))
			return "no number of requests, or more than 1000000000";
		*most = scaled / MONEY_DOLLAR;
	}
	return *most ? NULL : "nothing would be allowed; ccctl lock keeps a key from being used";
}

/* One part, NUMBER/PERIOD. */
static int limit_part_parse(struct limit *l, const char *text, size_t n, struct failure *f)
{
	const char *slash = memchr(text, '/', n), *why;
	enum limit_period per;
	enum limit_kind kind;
	uint64_t most = 0;

	if (n == 0)
		return limit_part_refuse(text, n, "one blank between the parts, and no other", f);
	if (n == 3 && memcmp(text, "off", 3) == 0)
		return limit_part_refuse(text, n, "off stands alone", f);
	if (!slash)
		return limit_part_refuse(text, n,
					 "a period is missing: /hour, /day, /week or /month", f);
	if (!limit_period_parse(slash + 1, (size_t)(text + n - slash - 1), &per))
		return limit_part_refuse(text, n, "the period is hour, day, week or month", f);
	why = limit_amount_parse(text, (size_t)(slash - text), &kind, &most);
	if (why)
		return limit_part_refuse(text, n, why, f);
	if (l->of[kind].most)
		return limit_part_refuse(text, n, "tokens, money and requests have one limit each",
					 f);
	l->of[kind].most = most;
	l->of[kind].per = per;
	return 0;
}

int limit_parse(struct limit *l, const char *text, struct failure *f)
{
	struct limit found;
	size_t n;

	memset(&found, 0, sizeof(found));
	if (strcmp(text, "off") == 0) {
		*l = found;
		return 0;
	}
	for (;; text += n + 1) {
		n = strcspn(text, " ");
		if (limit_part_parse(&found, text, n, f) != 0)
			return -1;
		if (text[n] == '\0')
			break;
	}
	*l = found;
	return 0;
}

void limit_format(const struct limit *l, char out[LIMIT_TEXT])
{
	char money[MONEY_TEXT];
	size_t n = 0;
	int i;

	snprintf(out, LIMIT_TEXT, "off");
	for (i = 0; i < LIMIT_KINDS; i++) {
		uint64_t most = l->of[i].most;
		const char *before = n ? " " : "", *after = "";

		if (most == 0)
			continue;
		if (i == LIMIT_MONEY) {
			before = n ? " $" : "$";
			money_format(most, money);
		} else {
			if (i == LIMIT_TOKENS) {
				after = most % 1000000 ? "k" : "M";
				most /= most % 1000000 ? 1000 : 1000000;
			}
			snprintf(money, sizeof(money), "%" PRIu64, most);
		}
		n += (size_t)snprintf(out + n, LIMIT_TEXT - n, "%s%s%s/%s", before, money, after,
				      periods[l->of[i].per]);
	}
}

/* ---- windows ---- */

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

void limit_count(struct limit_counters *c, const uint64_t used[LIMIT_KINDS],
		 const struct limit_time *now)
{
	struct limit_window w;
	int per, kind;

	for (per = 0; per < LIMIT_PERIODS; per++) {
		limit_window_of((enum limit_period)per, now, &w);
		if (window_is_new(c, (enum limit_period)per, w.number)) {
			c->window[per] = w.number;
			memset(c->used[per], 0, sizeof(c->used[per]));
		}
		for (kind = 0; kind < LIMIT_KINDS; kind++)
			if (__builtin_add_overflow(c->used[per][kind], used[kind],
						   &c->used[per][kind]))
				c->used[per][kind] = UINT64_MAX;
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
		used = window_is_new(c, per, w.number) ? 0 : c->used[per][kind];
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
