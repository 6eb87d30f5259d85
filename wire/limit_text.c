/*
 * wire/limit_text.c - limits as people write them and as they are sealed.
 */
#include "wire/limit_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/money.h"

static const char *const periods[LIMIT_PERIODS] = {
	[LIMIT_HOUR] = "hour",
	[LIMIT_DAY] = "day",
	[LIMIT_WEEK] = "week",
	[LIMIT_MONTH] = "month",
};

static int limit_part_refuse(const char *text, size_t n, const char *why, struct failure *f)
{
	return fail_set(f, FAIL_BAD_VALUE,
			"a limit is like 5M/day, 500k/hour, '$10/day' or 200/hour; several with a "
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
			return "neither tokens (5M, 500k) nor dollars ($10) nor requests (200, at "
			       "most "
			       "1000000000)";
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

/* As it is typed: 500k, 5M, $10, 200. */
static void limit_format_most(enum limit_kind kind, uint64_t most, char out[LIMIT_AMOUNT])
{
	bool thousands = most % 1000000 != 0;

	if (kind == LIMIT_MONEY) {
		out[0] = '$';
		money_format(most, out + 1);
	} else if (kind == LIMIT_TOKENS) {
		snprintf(out, LIMIT_AMOUNT, "%" PRIu64 "%c", most / (thousands ? 1000 : 1000000),
			 thousands ? 'k' : 'M');
	} else {
		snprintf(out, LIMIT_AMOUNT, "%" PRIu64, most);
	}
}

void limit_format(const struct limit *l, char out[LIMIT_TEXT])
{
	char most[LIMIT_AMOUNT];
	size_t n = 0;
	int i;

	snprintf(out, LIMIT_TEXT, "off");
	for (i = 0; i < LIMIT_KINDS; i++) {
		if (l->of[i].most == 0)
			continue;
		limit_format_most((enum limit_kind)i, l->of[i].most, most);
		n += (size_t)snprintf(out + n, LIMIT_TEXT - n, "%s%s/%s", n ? " " : "", most,
				      periods[l->of[i].per]);
	}
}

void limit_describe(const struct limit *l, char out[LIMIT_WORDS])
{
	static const char *const units[LIMIT_KINDS] = {
		[LIMIT_TOKENS] = " tokens", [LIMIT_MONEY] = "", [LIMIT_REQUESTS] = " requests"
	};
	char most[LIMIT_AMOUNT];
	size_t n = 0;
	int i;

	snprintf(out, LIMIT_WORDS, "off");
	for (i = 0; i < LIMIT_KINDS; i++) {
		const char *unit = units[i];

		if (l->of[i].most == 0)
			continue;
		if (i == LIMIT_REQUESTS && l->of[i].most == 1)
			unit = " request";
		limit_format_most((enum limit_kind)i, l->of[i].most, most);
		n += (size_t)snprintf(out + n, LIMIT_WORDS - n, "%s%s%s %s %s", n ? ", " : "", most,
				      unit, l->of[i].per == LIMIT_HOUR ? "an" : "a",
				      periods[l->of[i].per]);
	}
}

void limit_format_amount(enum limit_kind kind, uint64_t n, char out[LIMIT_AMOUNT])
{
	if (kind == LIMIT_MONEY) {
		out[0] = '$';
		money_format(n > UINT64_MAX - 9999 ? n : (n + 9999) / 10000 * 10000, out + 1);
	} else if (kind == LIMIT_REQUESTS || n < 10000) {
		snprintf(out, LIMIT_AMOUNT, "%" PRIu64, n);
	} else if (n <= 999000) {
		snprintf(out, LIMIT_AMOUNT, "%" PRIu64 "k", (n + 999) / 1000);
	} else {
		n = n / 10000 + (n % 10000 != 0);
		snprintf(out, LIMIT_AMOUNT, "%" PRIu64 ".%02" PRIu64 "M", n / 100, n % 100);
	}
}

const char *limit_period_name(enum limit_period per)
{
	return periods[per];
}

bool limit_is_set(const struct limit *l)
{
	int i;

	for (i = 0; i < LIMIT_KINDS; i++)
		if (l->of[i].most)
			return true;
	return false;
}

bool limit_loosens(const struct limit *from, const struct limit *to)
{
	int i;

	for (i = 0; i < LIMIT_KINDS; i++) {
		if (from->of[i].most == 0)
			continue;
		if (to->of[i].most == 0 || to->of[i].most > from->of[i].most ||
		    to->of[i].per != from->of[i].per)
			return true;
	}
	return false;
}
